// Finds the fields of KVM's structures that the BPF program kvm_reader.bpf.c reads, in the types
// that the running kernel describes (BTF). Pure.
#pragma once

#include <linux/types.h>

#include <optional>

#include "guests/process/kvm_records.h"

struct btf;

namespace vnuma {

// Without memory slots if the kernel keeps them in another way (before Linux 5.17). Nothing if even
// the fields of a vCPU are not as known.
std::optional<kvm_offsets> find_kvm_offsets(const btf* types);

}  // namespace vnuma
