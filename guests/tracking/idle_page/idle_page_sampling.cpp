#include "guests/tracking/idle_page/idle_page_sampling.hpp"

#include <algorithm>

namespace vnuma {

std::vector<IdleWord> bitmap_words(std::vector<std::uint64_t> pfns) {
    std::sort(pfns.begin(), pfns.end());
    std::vector<IdleWord> words;
    for (const std::uint64_t pfn : pfns) {
        if (words.empty() || words.back().index != pfn / pages_in_bitmap_word)
            words.push_back({pfn / pages_in_bitmap_word, 0});
        words.back().bits |= std::uint64_t{1} << pfn % pages_in_bitmap_word;
    }
    return words;
}

std::uint64_t page_of_scan(std::uint64_t scan, std::uint64_t piece, std::uint64_t pages) {
    const std::uint64_t candidates = std::max(pages / pages_per_candidate, std::uint64_t{1});
    // A step of about the golden section spreads successive scans evenly. An odd step reaches every
    // candidate if their number is a power of two, as in all pieces but the last one of a range.
    const std::uint64_t step = (candidates / 1000 * 618 + candidates % 1000 * 618 / 1000) | 1;
    constexpr std::uint64_t piece_step = 7;  // odd for the same reason
    const std::uint64_t candidate = scan % candidates * step % candidates;
    return (candidate * pages_per_candidate + piece * piece_step % pages_per_candidate) % pages;
}

}  // namespace vnuma
