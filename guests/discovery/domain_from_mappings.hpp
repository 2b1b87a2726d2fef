// A guest's description from the memory map of its VMM, where nothing else tells its RAM. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {

// Private memory without a file up to this size may be the C library's: one of its heaps ends at
// 64 MiB. Memory that is shared or has a name is RAM from a quarter of that on.
inline constexpr std::uint64_t most_private_heap = std::uint64_t{64} << 20,
                               least_shared_ram = std::uint64_t{16} << 20;

// A domain has at most so many of the mappings, the largest ones, and as many files.
inline constexpr std::size_t max_ram_mappings = 64;

// The mappings that may be the guest's RAM, the largest first: large writable memory that is
// private or in a file that is no device's. A VMM that has restored a snapshot maps the snapshot's
// file.
std::vector<Mapping> find_ram_mappings(const std::vector<Mapping>& mappings);

// A domain of one cell with these vCPUs. The largest of the mappings is the cell's own memory. VMMs
// divide RAM at the hole below 4 GiB, and each other mapping is given as a DIMM. But a file that is
// mapped shared is RAM only if its path says so or if it was deleted: otherwise it is an image,
// such as that of a persistent memory, and given as a memory device that is no DRAM. What is not
// counted is told in `problems`. Name, UUID and machine are left empty.
Domain domain_from_mappings(const std::vector<Mapping>& mappings, const std::set<int>& vcpus);

// A sentence about mappings that may be RAM and that the domain has no cell or memory device for;
// empty if all of them together are hardly larger than what the domain has.
std::string describe_other_memory(const Domain& domain, const std::vector<Mapping>& mappings);

}  // namespace vnuma
