// Compares vnumad's claims about hot memory with the ground truth, chunk by chunk. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vnuma::lab {

inline constexpr std::uint64_t truth_chunk_bytes = 2 << 20;
// A chunk is truly hot if at least 1 / hot_part of it is accessed.
inline constexpr std::uint64_t hot_part = 4;

// Values of Claim::accessor that are no vCPU id.
inline constexpr int accessor_unknown = -1;
inline constexpr int accessor_shared = -2;

struct PhysicalRange {
    std::uint64_t start = 0, bytes = 0;
};

// The memory that a vCPU truly accesses. A vCPU may have several of these.
struct TrueAccesses {
    int vcpu = 0;
    std::vector<PhysicalRange> ranges;
};

struct Claim {
    PhysicalRange memory;
    bool hot = false;
    int accessor = accessor_unknown;
};

// Counts of chunks. The chunks are those of the claims. True accesses outside all claims are
// divided into chunks on a grid of their own.
struct Accuracy {
    int hot = 0;                // truly hot
    int hot_found = 0;          // truly hot and claimed hot
    int claimed = 0;            // claimed hot
    int claimed_right = 0;      // claimed hot and truly accessed
    int claimed_elsewhere = 0;  // claimed hot, outside all buffers
    int named = 0;              // truly hot, with a claimed accessor
    int named_right = 0;        // truly hot, with the right vCPU, or "shared" for several vCPUs

    // Shares in per mille; -1 if there is nothing to divide by.
    int precision() const;  // claimed_right of claimed
    // The precision without claims outside the buffers. What the guest's kernel accesses is unknown
    // and may well be hot.
    int precision_in_buffers() const;
    int recall() const;      // hot_found of hot
    int attributed() const;  // named_right of hot
};

// Claims do not overlap. `buffers` is the memory whose true accesses are known; without buffers
// that is all memory.
Accuracy compare(const std::vector<TrueAccesses>& truth, const std::vector<Claim>& claims,
                 const std::vector<PhysicalRange>& buffers = {});

}  // namespace vnuma::lab
