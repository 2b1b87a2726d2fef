// Which mappings of a QEMU process are the RAM of which guest cell. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "guests/domain_xml.hpp"
#include "guests/proc.hpp"

namespace vnuma {

struct RamRange {
    std::uint64_t start = 0, size = 0;  // in QEMU's address space
};

struct CellMemory {
    std::vector<RamRange> ranges;
    std::string unknown;  // why the ranges cannot be told; empty when they are
};

// One entry for each cell. QEMU maps the RAM of a cell as one block of exactly its size, with a
// guard page behind; blocks of one size that belong to different cells cannot be told apart here.
std::vector<CellMemory> find_cell_memory(const std::vector<DomainCell>& cells,
                                         const std::vector<Mapping>& mappings);

struct Residency {
    std::map<int, std::int64_t> bytes;  // by the kernel's node number
    std::vector<int> bound_to;          // nodes of an MPOL_BIND policy; empty without one
    std::string forbidden;              // a policy of its owner that leaves no home; mostly empty
};

Residency sum_residency(const std::vector<RamRange>& ranges,
                        const std::vector<NumaMapping>& numa_mappings);

}  // namespace vnuma
