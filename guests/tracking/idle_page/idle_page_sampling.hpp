// Which pages idle page tracking samples, and where their bits are in the kernel's bitmap. Pure.
#pragma once

#include <cstdint>
#include <vector>

namespace vnuma {

inline constexpr std::uint64_t pages_in_bitmap_word = 64;

// The bits of some pages in one word of the bitmap.
struct IdleWord {
    std::uint64_t index = 0;  // of the word in the bitmap
    std::uint64_t bits = 0;

    friend bool operator==(const IdleWord&, const IdleWord&) = default;
};

// The words with the bits of these page frames, by ascending index, each word once.
std::vector<IdleWord> bitmap_words(std::vector<std::uint64_t> pfns);

// Only one of this many neighbouring pages is ever sampled: 32 pages of 2 MiB, and about 4 of the
// pages that share a word. The kernel walks the mappings of every page that is marked in a word it
// reads, and marks of cold pages from earlier scans cannot be removed.
inline constexpr std::uint64_t pages_per_candidate = 16;

// The page of a piece, by its index in the piece, that a scan samples. `pages` is the size of the
// piece and above 0, `piece` is the index of the piece. Successive scans spread evenly over the
// piece, and sample each candidate once in as many scans as the piece has candidates. Different
// pieces have different candidates.
std::uint64_t page_of_scan(std::uint64_t scan, std::uint64_t piece, std::uint64_t pages);

}  // namespace vnuma
