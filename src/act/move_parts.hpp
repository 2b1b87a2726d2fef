// The memory that one action of a plan moves. Pure.
#pragma once

#include <vector>

#include "guests/model/sample.hpp"
#include "policy/model/plan.hpp"

namespace vnuma {

// What comes from one pool: there is room for it or not, whatever the other pools have.
struct MovePart {
    Bytes hugetlb_page = 0;  // page size of its pool of huge pages; 0: ordinary memory
    std::vector<RamRange> memory;
};

// All memory of the cell, or of its shard: what the shard's vCPUs alone access, and the extents
// that come with it. Ordinary memory first, then pools by their page size.
std::vector<MovePart> parts_of(const MoveMemory& action, const GuestSample& guest,
                               const CellSample& cell);

}  // namespace vnuma
