// Coupling between the cells or shards of one guest: accesses to each other's memory, and the cost
// of two cells on one node, which the guest's kernel believes to be apart. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "policy/units/split.hpp"
#include "policy/units/unit.hpp"

namespace vnuma {

// Share of a cell's accesses that go to the other cells of its guest. The guest's kernel allocates
// memory locally and schedules tasks near it, so the share is small, but large enough to keep
// neighbours on neighbouring nodes. An assumption: it cannot be measured from the host.
inline constexpr PerMille cross_cell_share = 125;

// CPU use of a cell for the cost of sharing a node with another cell of its guest: at least a
// quarter of its vCPUs, since homes last and the guest will have work later (sibling_divisor in
// policy/search/cost.hpp).
inline constexpr MilliCpu sibling_use = 250;
inline MilliCpu use_as_sibling(MilliCpu use, int vcpus) {
    return use > sibling_use * vcpus ? use : sibling_use * vcpus;
}

// Adds the couplings of each unit to the other units of its guest. The units of one guest must be
// consecutive. `splits` has the split of each guest that is placed in shards, by UUID.
void couple_cells(std::vector<Unit>& units, const std::map<std::string, Split>& splits);

}  // namespace vnuma
