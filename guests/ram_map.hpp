// Which blocks of a QEMU process are the RAM of which guest cell, and where the guest sees them.
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guests/domain.hpp"
#include "guests/guest_memory.hpp"
#include "guests/proc.hpp"

namespace vnuma {

struct GuestRange {
    std::uint64_t start = 0, bytes = 0;  // guest-physical
};

struct RamBlock {
    std::string id;      // QEMU's name of the memory backend; empty when nobody told
    std::string device;  // the memory device it belongs to; empty for the cell's own memory
    int cell = 0;
    RamRange host;
    std::vector<GuestRange> guest;   // empty when it is not known
    std::string backing;             // the file it maps, as /proc/PID/maps has it; mostly empty
    std::int64_t page_bytes = 4096;  // the smallest it is made of
    bool shared = false;
    bool hugetlb = false;
    std::optional<NodeWish> wish;  // the policy QEMU was started with, when the monitor told it
};

struct RamMap {
    std::vector<RamBlock> blocks;  // ordered by cell, its own memory first
    const char* told_by = "size";  // or "monitor"
    std::string unknown;           // why there are no blocks; empty when there are
};

// What a monitor says: the guest's physical memory, and where QEMU has mapped each backend.
struct RamView {
    struct Piece {
        std::uint64_t start = 0, bytes = 0;  // guest-physical
        std::uint64_t offset = 0;            // in its region
        std::string region;
    };
    struct Backend {
        std::uint64_t address = 0, bytes = 0;  // in QEMU's address space
        std::optional<NodeWish> wish;          // the policy QEMU was started with, if any
    };
    std::vector<Piece> pieces;
    std::map<std::string, Backend> backends;     // by region
    std::map<std::string, std::string> devices;  // the region of each memory device
};

// Whether all of the range is mapped, writable.
bool is_mapped(const std::vector<Mapping>& mappings, const RamRange& range);

// By their sizes, which takes nothing but /proc: QEMU maps each backend as one block of exactly its
// size. Blocks of one size that belong to different cells cannot be told apart like this.
RamMap map_by_size(const Domain& domain, const std::vector<Mapping>& mappings);

// As the monitor tells, checked against what is mapped.
RamMap map_by_view(const Domain& domain, const RamView& view, const std::vector<Mapping>& mappings);

// Where a PC's cells are in guest-physical memory, in the order of the domain's cells: RAM from 0
// to the hole below 4 GiB, and from 4 GiB on. The machine types' layout never changes, since guests
// migrate between versions of QEMU (hw/i386/pc_q35.c and pc_piix.c). Empty for other machines, and
// for guests so large that the hole below 1 TiB of AMD processors may come in between.
std::vector<std::vector<GuestRange>> pc_layout(const Domain& domain);

}  // namespace vnuma
