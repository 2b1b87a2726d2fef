// A guest's RAM: where it is in QEMU's address space, in the guest's own, and on which host nodes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"

namespace vnuma {

struct RamRange {
    std::uint64_t start = 0, size = 0;  // in QEMU's address space

    friend bool operator==(const RamRange&, const RamRange&) = default;
};

struct Residency {
    std::map<int, std::int64_t> bytes;  // by the kernel's node number
    std::vector<int> bound_to;          // nodes its owner binds it to; empty without a binding
    std::string forbidden;              // a policy of its owner that leaves no home; mostly empty
};

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
    std::optional<NumaTune> numatune;  // the policy QEMU was started with, when the monitor told it
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
        std::optional<NumaTune> numatune;      // the policy QEMU was started with, if any
    };
    std::vector<Piece> pieces;
    std::map<std::string, Backend> backends;     // by region
    std::map<std::string, std::string> devices;  // the region of each memory device
};

}  // namespace vnuma
