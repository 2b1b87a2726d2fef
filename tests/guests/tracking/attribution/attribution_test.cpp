#include "guests/tracking/attribution/attribution.hpp"
#include "guests/model/access_matrix.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t chunk = 2 * mib;
constexpr std::uint64_t base = 0x7f0000000000;
constexpr int shift = 21;

RamBlock block(std::uint64_t host, std::vector<GuestRange> guest) {
    RamBlock block;
    block.host.start = host;
    for (const GuestRange& range : guest)
        block.host.size += range.bytes;
    block.guest = std::move(guest);
    return block;
}

TEST(GuestPhysicalMap, FollowsTheHoleBelowFourGib) {
    const GuestPhysicalMap map({block(base, {{0, 3 * chunk}, {std::uint64_t{4} << 30, chunk}})});
    EXPECT_EQ(map.host_address(0), base);
    EXPECT_EQ(map.host_address(3 * chunk - 1), base + 3 * chunk - 1);
    EXPECT_EQ(map.host_address(3 * chunk), std::nullopt);
    EXPECT_EQ(map.host_address((std::uint64_t{4} << 30) + 5), base + 3 * chunk + 5);
    EXPECT_EQ(map.guest_address(base + 3 * chunk), std::uint64_t{4} << 30);
    EXPECT_EQ(map.guest_address(base + 4 * chunk), std::nullopt);
}

TEST(GuestPhysicalMap, LeavesOutWhatIsNotKnown) {
    RamBlock unknown;
    unknown.host = {base, chunk};
    EXPECT_TRUE(GuestPhysicalMap({unknown}).empty());
    // More guest-physical memory than there is behind it.
    RamBlock short_one = block(base, {{0, chunk}});
    short_one.host.size = mib;
    EXPECT_EQ(GuestPhysicalMap({short_one}).host_address(mib), std::nullopt);
}

CountedFaults faults(int vcpu, std::uint64_t extent, bool write, std::uint64_t count) {
    return {1, 100 + vcpu, vcpu, extent, write, count};
}

class Fold : public testing::Test {
  protected:
    FoldedFaults fold_all(const std::vector<CountedFaults>& faults) {
        return fold(faults, shift, map, heat, matrix, Observation::round);
    }

    const GuestPhysicalMap map{{block(base, {{0, 8 * chunk}})}};
    HeatTable heat{ChunkGrid({{base, 8 * chunk}}, chunk, max_heat_chunks)};
    AccessMatrix matrix{2, 8};
};

TEST_F(Fold, AChunkBelongsToTheVcpuWithThreeQuartersOfItsFaults) {
    for (int round = 0; round < 2; ++round)
        fold_all({faults(0, 3, false, 3), faults(1, 3, true, 1), faults(0, 4, false, 2),
                  faults(1, 4, false, 1)});
    EXPECT_EQ(heat.accessor(3), (Accessor{Accessor::one, 0}));
    EXPECT_EQ(heat.accessor(4).kind, Accessor::several);
    EXPECT_EQ(heat.accessor(5).kind, Accessor::unknown);
}

TEST_F(Fold, ReadsAndWritesOfOneVcpuCountTogether) {
    for (int round = 0; round < 2; ++round)
        fold_all({faults(0, 3, false, 1), faults(0, 3, true, 1)});
    EXPECT_EQ(heat.accessor(3), (Accessor{Accessor::one, 0}));
    EXPECT_NEAR(heat.write_share(3), 500, 4);
}

TEST_F(Fold, CountsWhatItHasSeen) {
    const FoldedFaults folded = fold_all({faults(0, 0, false, 5), faults(1, 7, true, 2)});
    EXPECT_EQ(folded.faults, 7U);
    EXPECT_EQ(folded.chunks, 2U);
    EXPECT_EQ(folded.outside, 0U);
}

// What comes from the kernel is not trusted.
TEST_F(Fold, FaultsOutsideOfTheGuestsMemoryAreCountedOnly) {
    const FoldedFaults folded =
        fold_all({faults(0, 8, false, 5), faults(0, ~std::uint64_t{0}, false, 1),
                  faults(-1, 7, false, 1), faults(max_vcpu_id + 1, 1, false, 1),
                  faults(0, 2, false, ~std::uint64_t{0}), faults(0, 2, false, 0)});
    EXPECT_EQ(folded.outside, 8U);
    EXPECT_EQ(folded.chunks, 0U);
}

TEST_F(Fold, AgreementIsTheShareOfChunksWhoseAccessorStays) {
    const std::vector<CountedFaults> round{faults(0, 0, false, 1), faults(0, 1, false, 1)};
    fold_all(round);
    fold_all(round);
    EXPECT_EQ(fold_all(round).agreement, 1000);
    EXPECT_EQ(fold_all({faults(0, 0, false, 1), faults(1, 1, false, 1)}).agreement, 500);
}

TEST_F(Fold, ChunksThatNobodyWasKnownToTouchAgreeWithNothing) {
    const std::vector<CountedFaults> round{faults(0, 0, false, 1)};
    EXPECT_EQ(fold_all(round).agreement, 0);
    EXPECT_EQ(fold_all(round).agreement, 0);
    EXPECT_EQ(fold_all(round).agreement, 1000);
    EXPECT_EQ(fold_all({faults(0, 0, false, 1), faults(0, 5, false, 1)}).agreement, 500);
}

TEST_F(Fold, AGroupOfSeveralChunksSpeaksForAllOfThem) {
    for (int round = 0; round < 2; ++round)
        fold(std::vector<CountedFaults>{faults(1, 1, false, 4)}, shift + 1, map, heat, matrix,
             Observation::round);
    for (std::size_t i = 0; i < 8; ++i)
        EXPECT_EQ(heat.accessor(i).kind, i == 2 || i == 3 ? Accessor::one : Accessor::unknown);
}

TEST_F(Fold, TheMatrixShowsWhoSharesMemory) {
    heat.merge(std::vector<std::int32_t>{max_level, max_level / 2, 0, 0, 0, 0, 0, 0}, 13, false);
    fold_all({faults(0, 0, false, 4), faults(0, 1, false, 1), faults(1, 1, false, 1),
              faults(1, 7, false, 9)});
    EXPECT_EQ(matrix.at(0, 0), 1000U);
    EXPECT_EQ(matrix.at(1, 0), 0U);
    EXPECT_EQ(matrix.at(0, 1), 249U);
    EXPECT_EQ(matrix.at(1, 1), 249U);
    EXPECT_EQ(matrix.at(1, 7), 1U);
}

TEST_F(Fold, WhatWasSeenByTheWaySaysNothingOfWhatWasNot) {
    heat.merge(std::vector<std::int32_t>(8, max_level), 13, false);
    fold_all({faults(0, 0, false, 4), faults(1, 7, false, 4)});
    ASSERT_EQ(matrix.at(1, 7), 1000U);
    fold(std::vector<CountedFaults>{faults(0, 0, false, 4)}, shift, map, heat, matrix,
         Observation::by_the_way);
    EXPECT_EQ(matrix.at(1, 7), 1000U);
    EXPECT_EQ(matrix.at(0, 0), 1750U);
    fold_all({faults(0, 0, false, 4)});
    EXPECT_EQ(matrix.at(1, 7), 750U) << "it did not fault in a round";
}

TEST(AccessMatrix, HasNoMoreGroupsThanItMay) {
    AccessMatrix matrix(2, 1'000'000);
    EXPECT_EQ(matrix.extents(), AccessMatrix::max_extents);
    EXPECT_EQ(matrix.extent_of(0), 0U);
    EXPECT_EQ(matrix.extent_of(999'999), AccessMatrix::max_extents - 1);
    EXPECT_EQ(AccessMatrix(5000, 1).vcpus(), AccessMatrix::max_vcpus);
}

TEST(AccessMatrix, IsHalvedAndNeverOverflows) {
    AccessMatrix matrix(1, 1);
    matrix.add(0, 0, 0xfffffff0);
    matrix.add(0, 0, 0xfffffff0);
    EXPECT_EQ(matrix.at(0, 0), 0xfffffff0);
    matrix.fade(0);
    EXPECT_EQ(matrix.at(0, 0), 0xbffffff4U);
    matrix.add(1, 0, 5);
    matrix.add(0, 1, 5);
    EXPECT_EQ(matrix.at(0, 0), 0xbffffff4U);
}

}  // namespace
}  // namespace vnuma
