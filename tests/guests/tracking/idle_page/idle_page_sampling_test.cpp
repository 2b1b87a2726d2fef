#include "guests/tracking/idle_page/idle_page_sampling.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <set>

namespace vnuma {
namespace {

TEST(BitmapWords, NeighbouringPagesShareAWord) {
    EXPECT_EQ(bitmap_words({}), std::vector<IdleWord>{});
    EXPECT_EQ(bitmap_words({130, 64, 3, 127, 3}),
              (std::vector<IdleWord>{{0, 8}, {1, (std::uint64_t{1} << 63) | 1}, {2, 4}}));
}

std::set<std::uint64_t> sampled_pages(std::uint64_t piece, std::uint64_t pages) {
    std::set<std::uint64_t> sampled;
    for (std::uint64_t scan = 0; scan < pages / pages_per_candidate; ++scan)
        sampled.insert(page_of_scan(scan, piece, pages));
    return sampled;
}

TEST(PageOfScan, SamplesEveryCandidateOfAPiece) {
    for (const std::uint64_t pages : {16, 32, 512, 4096}) {
        const std::set<std::uint64_t> sampled = sampled_pages(3, pages);
        EXPECT_EQ(sampled.size(), pages / pages_per_candidate);
        EXPECT_LT(*sampled.begin(), pages_per_candidate);
        EXPECT_LT(*sampled.rbegin(), pages);
    }
    for (const std::uint64_t pages : {1, 15, 509})
        EXPECT_LT(page_of_scan(~std::uint64_t{0}, 5, pages), pages);
}

TEST(PageOfScan, SamplesFewPagesThatShareAWord) {
    std::set<std::uint64_t> sampled;
    for (std::uint64_t scan = 0; scan < 10'000; ++scan)
        sampled.insert(page_of_scan(scan, 3, 512));
    EXPECT_EQ(sampled, sampled_pages(3, 512));
    EXPECT_EQ(std::distance(sampled.begin(), sampled.lower_bound(64)), 4);
}

TEST(PageOfScan, DiffersBetweenPieces) {
    std::set<std::uint64_t> sampled;
    for (std::uint64_t piece = 0; piece < pages_per_candidate; ++piece)
        sampled.insert(page_of_scan(0, piece, 512));
    EXPECT_EQ(sampled.size(), pages_per_candidate);
}

}  // namespace
}  // namespace vnuma
