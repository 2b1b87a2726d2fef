// Where guest memory lies, by the kernel's account of a process' mappings. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "guests/model/ram.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {

// Takes a policy as numa_maps has it ("bind:0-1", "interleave:0-1") for one of this memory's; all
// of its bindings hold together.
void apply_policy(std::string_view policy, Residency& residency);

Residency sum_residency(const std::vector<RamRange>& ranges,
                        const std::vector<NumaMapping>& numa_mappings);

// Page size of the mapping that begins the range: hugetlb's, or 4096; 0 when it is not there.
std::int64_t page_bytes_of(const RamRange& range, const std::vector<NumaMapping>& numa_mappings);

}  // namespace vnuma
