// Finds the fields that the BPF program reads at the tracepoint kvm_page_fault, in the types that
// the running kernel describes (BTF).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct btf;

namespace vnuma {

// Offsets in struct kvm_vcpu, in bytes.
struct FaultEvent {
    std::uint32_t vcpu_id = 0;
    std::uint32_t guest_mode = 0;  // not 0 in this field: runs a nested guest; 0: no such field

    friend bool operator==(const FaultEvent&, const FaultEvent&) = default;
};

// Returns none, and sets `why_not`, if there is no such tracepoint or its parameters are not the
// known ones. Pure.
std::optional<FaultEvent> find_fault_event(const btf* types, std::string& why_not);

// The same for the running kernel: reads /sys/kernel/btf, which any user may.
std::optional<FaultEvent> read_fault_event(std::string& why_not);

}  // namespace vnuma
