// Commands of QEMU's human monitor that have no QMP counterpart, sent through QMP, and parsers of
// the text they return. Pure.
//
// QEMU does not promise to keep that text stable. The parsers read that of QEMU 7.2 and 10.0. The
// human monitor refuses a command with a text, too; for a parser this is an unexpected answer.
#pragma once

#include <cstddef>
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
    std::string region;         // the memory region; for a memory backend's its id
    std::uint64_t address = 0;  // in QEMU's address space; valid within one page
};
// Where a guest-physical address is in QEMU's address space. It must be RAM or ROM.
Command<HostAddress> gpa2hva(std::uint64_t address);

// A range of guest-physical memory as the CPUs see it.
struct GuestRange {
    std::uint64_t start = 0;
    std::uint64_t size = 0;    // bytes; 2^64 - 1 for the whole address space
    std::string type;          // "ram", "rom", "i/o", "romd", "ramd", "nv-ram", ...
    std::string region;        // the memory region's name
    std::uint64_t offset = 0;  // of `start` in the region, bytes
};
// The flat view of the address space "memory", sorted by address and without overlaps. Empty if
// nothing is in it.
Command<std::vector<GuestRange>> info_mtree_flat();

struct GuestNode {
    int id = 0;
    std::vector<int> cpus;
    std::uint64_t bytes = 0;          // all of its memory
    std::uint64_t plugged_bytes = 0;  // memory devices, which are part of `bytes`
};
// The guest's NUMA nodes, sorted by id. Empty without vNUMA.
Command<std::vector<GuestNode>> info_numa();

// The same answers from the text alone. Nothing if it is not the expected text.
std::optional<HostAddress> parse_gpa2hva(std::string_view text);
std::optional<std::vector<GuestRange>> parse_mtree_flat(std::string_view text);
std::optional<std::vector<GuestNode>> parse_numa(std::string_view text);

}  // namespace vnuma::qmp
