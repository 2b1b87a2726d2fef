// Sums the residency of guest RAM from the kernel's sums over mappings (/proc/PID/numa_maps). Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "guests/model/ram.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {

// Why a guest is left alone whose memory policy distributes its pages over nodes.
inline constexpr const char* interleaved_by_owner = "its owner interleaves its memory over nodes";

// Why memory is left alone whose owner permits no node for all of a cell.
inline constexpr const char* bound_apart = "its owner binds parts of it to different nodes";

// Adds a memory policy in the words of numa_maps, such as "bind:0-1", to those that hold for this
// memory. Several bindings restrict the memory to the nodes that all of them permit.
void apply_memory_policy(std::string_view policy, Residency& residency);

// The sums over all mappings that begin in one of the ranges, with their memory policies.
Residency sum_residency(const std::vector<RamRange>& ranges,
                        const std::vector<NumaMapping>& numa_mappings);

// Page size, in bytes, of the mapping that begins where the range begins: that of its hugetlb
// pages, otherwise 4096. 0 if there is no such mapping.
std::int64_t page_bytes_of(const RamRange& range, const std::vector<NumaMapping>& numa_mappings);

}  // namespace vnuma
