// A guest's RAM: where it is in QEMU's address space, in guest-physical memory, and on which host
// nodes. Data only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"

namespace vnuma {

struct RamRange {
    std::uint64_t start = 0, size = 0;  // bytes, in QEMU's address space

    friend bool operator==(const RamRange&, const RamRange&) = default;
};

struct Residency {
    std::map<int, std::int64_t> bytes;  // by the kernel's node number
    std::vector<int> bound_to;  // nodes the memory is bound to, sorted; empty without binding
    std::string forbidden;      // the owner's memory policy, if it permits no home; else empty
};

struct GuestRange {
    std::uint64_t start = 0, bytes = 0;  // guest-physical
};

// A file that memory is mapped from.
struct MappedFile {
    std::uint64_t device = 0, inode = 0;  // both 0 for anonymous memory

    friend bool operator==(const MappedFile&, const MappedFile&) = default;
};

struct RamBlock {
    std::string id;      // QEMU's name of the memory backend; empty if it is not known
    std::string device;  // id of its memory device; empty for the cell's own memory
    int cell = 0;
    RamRange host;
    std::vector<GuestRange> guest;   // empty if it is not known
    std::string backing;             // path of the mapped file in /proc/PID/maps; mostly empty
    std::int64_t page_bytes = 4096;  // size of its smallest pages
    bool shared = false;
    bool hugetlb = false;
    // Policy that QEMU was started with, if the monitor shows it, or the owner's wish for the
    // block.
    std::optional<NumaTune> numatune;
    MappedFile file{};
};

// Memory of cells that is somewhere in the process, but not known to be in which RAM blocks.
struct LostMemory {
    std::map<int, std::int64_t> bytes;  // by cell; 0 for a cell whose size is not known either
    std::vector<RamRange>
        candidates;  // mappings that hold it, and perhaps other memory; no overlaps

    friend bool operator==(const LostMemory&, const LostMemory&) = default;
};

struct RamMap {
    std::vector<RamBlock> blocks;  // ordered by cell; in a cell its own memory comes first
    // "size": found by the sizes of mappings; "kvm": by KVM's memory slots; "monitor": by QEMU.
    const char* source = "size";
    // Why nothing is known of the memory; there are no blocks then. Empty otherwise.
    std::string unknown;
    // What was not found, as sentences. The blocks are all others then.
    std::vector<std::string> problems{};
    LostMemory lost{};  // own memory of cells that was not found
    // Memory of cells that is mapped from a device (device-dax), bytes by cell. It is no DRAM.
    std::map<int, std::int64_t> no_dram{};
    bool complete = true;  // false: QEMU's monitor could tell more
};

// QEMU's monitor, or KVM, on a guest's memory: what is where in guest-physical memory, and where
// each memory backend is in QEMU's address space.
struct RamView {
    // A piece of guest-physical memory. A region has the name of its memory backend.
    struct Piece {
        std::uint64_t start = 0, bytes = 0;  // guest-physical
        std::uint64_t offset = 0;            // of `start` in the region, bytes
        std::string region;
    };
    struct Backend {
        std::uint64_t address = 0, bytes = 0;  // in QEMU's address space
        std::optional<NumaTune> numatune;      // policy that QEMU was started with, if any
    };
    std::vector<Piece> pieces;
    std::map<std::string, Backend> backends;     // by region
    std::map<std::string, std::string> devices;  // region by the id of the memory device
};

}  // namespace vnuma
