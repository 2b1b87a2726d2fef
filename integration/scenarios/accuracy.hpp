// How right claims about hot memory are, chunk by chunk. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vnuma::lab {

inline constexpr std::uint64_t truth_chunk_bytes = 2 << 20;
// A chunk is hot in truth when at least this part of it is touched: 1 / hot_part.
inline constexpr std::uint64_t hot_part = 4;

// Accessors of a claim that are no vCPU.
inline constexpr int accessor_unknown = -1;
inline constexpr int accessor_shared = -2;

struct PhysicalRange {
    std::uint64_t start = 0, bytes = 0;
};

// What one vCPU really touches. A vCPU may come more than once.
struct TrueAccesses {
    int vcpu = 0;
    std::vector<PhysicalRange> ranges;
};

struct Claim {
    PhysicalRange memory;
    bool hot = false;
    int accessor = accessor_unknown;
};

// Counts of chunks. The chunks are those of the claims; truth that is in no claim is cut into
// chunks of its own.
struct Accuracy {
    int hot = 0;                // in truth
    int hot_found = 0;          // of these, claimed hot
    int claimed = 0;            // claimed hot
    int claimed_right = 0;      // of these, with anything touched in them
    int claimed_elsewhere = 0;  // of these, with nothing of a buffer in them
    int named = 0;              // hot in truth, with an accessor claimed
    int named_right = 0;        // of these, the one vCPU, or "shared" when there are several

    // In per mille; -1 when there is nothing to count.
    int precision() const;  // claimed_right of claimed
    // Without those elsewhere: what the guest's own kernel and init touch is not known, and may
    // well be hot.
    int precision_in_buffers() const;
    int recall() const;      // hot_found of hot
    int attributed() const;  // named_right of hot
};

// Claims do not overlap. `buffers` is the memory of which the truth is known; without any it is all
// memory.
Accuracy compare(const std::vector<TrueAccesses>& truth, const std::vector<Claim>& claims,
                 const std::vector<PhysicalRange>& buffers = {});

}  // namespace vnuma::lab
