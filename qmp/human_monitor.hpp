// Commands of QEMU's human monitor, sent through QMP, and what their text means. Pure. The text is
// no stable interface: known to read QEMU 7.2 and 10.0. A refusal comes as text as well, and is
// "not what was asked for".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qmp/command.hpp"

namespace vnuma::qmp {

inline constexpr std::size_t max_ranges = 65536;
inline constexpr int max_guest_nodes = 1024;  // QEMU's own limit is 128

struct HostAddress {
    std::string region;         // the memory region's name; a backend's id, where it is one's
    std::uint64_t address = 0;  // in QEMU's address space; only of this byte's page
};
// `address` is guest-physical and must be RAM or ROM.
Command<HostAddress> gpa2hva(std::uint64_t address);

// A part of guest-physical memory as the CPUs see it.
struct GuestRange {
    std::uint64_t start = 0;
    std::uint64_t size = 0;    // the whole address space (2^64) reads as one byte less
    std::string type;          // "ram", "rom", "i/o", "romd", "ramd", "nv-ram", ...
    std::string region;        // the memory region's name
    std::uint64_t offset = 0;  // of `start` in the region
};
// The view that carries the address space "memory"; empty where nothing is in it. Ascending, no
// two overlap.
Command<std::vector<GuestRange>> info_mtree_flat();

struct GuestNode {
    int id = 0;
    std::vector<int> cpus;
    std::uint64_t bytes = 0;          // hot-plugged ones included
    std::uint64_t plugged_bytes = 0;  // hot-plugged
};
Command<std::vector<GuestNode>> info_numa();  // empty: no vNUMA

// The text alone, as above.
std::optional<HostAddress> parse_gpa2hva(std::string_view text);
std::optional<std::vector<GuestRange>> parse_mtree_flat(std::string_view text);
std::optional<std::vector<GuestNode>> parse_numa(std::string_view text);

}  // namespace vnuma::qmp
