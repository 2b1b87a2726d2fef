// A guest without vNUMA as a balancer sees it: one cell, and an access matrix.
#pragma once

#include <optional>
#include <vector>

#include "policy/model/snapshot.hpp"
#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

// The buffer that a vCPU accesses, as the index of the vCPU that it belongs to.
inline std::size_t buffer_of(const Phase& phase, std::size_t vcpu) {
    return phase.cells[vcpu].buffer.value_or(vcpu);
}

// The vCPU that alone accesses a buffer; nothing if several do, or none.
std::optional<std::size_t> sole_accessor(const Phase& phase, std::size_t buffer);

// Merges the cells of `vcpus`, one for each vCPU and its buffer, to one cell with a WideUse.
GuestState as_one_cell(GuestState vcpus, const Phase& phase);

// The buffers that a shard moves: the private ones of its vCPUs, and the shared ones among these
// extents. Without vCPUs, all buffers of the guest.
std::vector<std::size_t> buffers_of(const Phase& phase, const std::vector<std::size_t>& vcpus,
                                    const std::vector<std::size_t>& extents);

}  // namespace vnuma::simulator
