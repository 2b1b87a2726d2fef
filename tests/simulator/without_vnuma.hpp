// A guest without vNUMA as it is seen from outside: one cell, and which of its vCPUs touches what.
#pragma once

#include <optional>
#include <vector>

#include "policy/model/snapshot.hpp"
#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

// Whose buffer a vCPU touches.
inline std::size_t touched_by(const Phase& phase, std::size_t vcpu) {
    return phase.cells[vcpu].touches.value_or(vcpu);
}

// The vCPU that alone touches a buffer; none where several do, or nobody.
std::optional<std::size_t> only_toucher(const Phase& phase, std::size_t buffer);

// `vcpus` has a cell for each vCPU, with its buffer; the result has one, and WideUse.
GuestState seen_as_one(GuestState vcpus, const Phase& phase);

// The buffers that a shard of these vCPUs brings along: what each touches alone, and what several
// touch of these groups. Of the whole guest: all.
std::vector<std::size_t> buffers_of(const Phase& phase, const std::vector<std::size_t>& vcpus,
                                    const std::vector<std::size_t>& groups);

}  // namespace vnuma::simulator
