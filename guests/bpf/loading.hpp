// What can keep a BPF program from being loaded or used.
#pragma once

#include <string>

#include "guests/bpf/bpf_log.hpp"

namespace vnuma {

// BPF programs see the ids of processes that the initial PID namespace has. Says so if vnumad runs
// in another one; empty otherwise.
std::string why_other_pid_namespace();

// Why a call failed, for example "loading the BPF program": `error` is its errno, and `log` what
// libbpf has said meanwhile.
std::string describe_failure(const char* call, int error, const BpfLog& log);

}  // namespace vnuma
