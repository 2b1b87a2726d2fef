// A guest as its source tells of it: libvirt or QEMU.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "guests/model/domain.hpp"
#include "guests/model/run_state.hpp"

namespace vnuma {

struct ListedGuest {
    std::string uuid;
    std::string name;
    RunState state = RunState::unknown;
    // When the state was asked for. The sampler sets it to the beginning of the list where the
    // source leaves it out.
    std::chrono::steady_clock::time_point read_at{};
    std::string unsteady;                  // why it is to be left alone; empty when it simply runs
    std::optional<pid_t> pid;              // none when the source cannot tell
    std::shared_ptr<const Domain> domain;  // the same object while it has not changed; may be none
    // Threads by what QEMU says of them. Without these, threads are told by their names.
    std::map<int, pid_t> vcpu_threads;
    std::map<std::string, pid_t> iothreads;
};

}  // namespace vnuma
