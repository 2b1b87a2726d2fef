// What the running kernel says of its tracepoint of KVM's page faults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct btf;

namespace vnuma {

// Offsets in struct kvm_vcpu, in bytes.
struct FaultEvent {
    std::uint32_t vcpu_id = 0;
    std::uint32_t guest_mode = 0;  // whether it runs a guest's guest; 0 if there is no such field

    friend bool operator==(const FaultEvent&, const FaultEvent&) = default;
};

// Nothing, and why, if the tracepoint is not there or not as known. Pure.
std::optional<FaultEvent> find_fault_event(const btf* types, std::string& why_not);

// By the kernel's files, which any user may read.
std::optional<FaultEvent> read_fault_event(std::string& why_not);

}  // namespace vnuma
