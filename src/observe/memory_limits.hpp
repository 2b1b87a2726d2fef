// What shows that more memory on a node would do harm: the kernel's watermarks, reserved huge
// pages, memory pressure, swapping.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/model/types.hpp"
#include "src/observe/host.hpp"

namespace vnuma {

// Of all of the host's memory: the kernel tells neither by node.
struct HostPressure {
    // Share of the last 10 s in which some task waited for memory; none if the kernel does not tell
    // (before Linux 4.20, or with psi=0).
    std::optional<PerMille> waiting{};
    std::optional<std::uint64_t> swapped_out{};  // pages since boot
};
HostPressure read_host_pressure(const std::string& proc = "/proc");

// The high watermarks of the node's zones, bytes: with less free memory the kernel reclaims. Reads
// a file that is long on hosts with many CPUs. Throws HostError.
Bytes read_high_watermark(int node_id, const std::string& file = "/proc/zoneinfo");

// Free bytes of the node's pool of huge pages, without what is reserved: the kernel counts pages
// that are promised and not allocated yet for the whole host, and any node may have to give them.
// Not below 0. Throws HostError.
Bytes read_unreserved_huge(int node_id, Bytes page_bytes, const std::string& root = sysfs_root,
                           const std::string& pools = "/sys/kernel/mm/hugepages");

// Parsers of /proc/zoneinfo and /proc/vmstat. Pure; nothing where the format is violated.
std::optional<Bytes> parse_high_watermark(std::string_view zoneinfo, int node_id);
std::optional<std::uint64_t> parse_swapped_out(std::string_view vmstat);

}  // namespace vnuma
