// Turns the records that the BPF program kvm_reader.bpf.c writes into what KVM knows of a process.
// Records that cannot be true are ignored. Pure.
#pragma once

#include <linux/types.h>

#include <span>

#include "guests/process/kvm_reader.hpp"
#include "guests/process/kvm_records.h"

namespace vnuma {

KvmState state_of(std::span<const kvm_record> records);

}  // namespace vnuma
