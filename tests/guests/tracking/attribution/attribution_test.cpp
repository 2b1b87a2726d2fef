#include "guests/tracking/attribution/attribution.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "guests/model/access_matrix.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t chunk = 2 << 20;
constexpr std::uint64_t base = 0x7f0000000000;
constexpr int shift = 21;
constexpr std::size_t chunks = 8;

RamBlock ram() {
    RamBlock block;
    block.host = {base, chunks * chunk};
    block.guest = {{0, chunks * chunk}};
    return block;
}

CountedFaults faults(int vcpu, std::uint64_t bucket, bool write, std::uint64_t count) {
    return {1, 100 + vcpu, vcpu, bucket, write, count};
}

class RecordFaults : public testing::Test {
  protected:
    RecordedFaults record_round(const std::vector<CountedFaults>& faults) {
        return record_faults(faults, shift, map, heat, matrix, FaultOrigin::round);
    }

    const GuestPhysicalMap map{{ram()}};
    HeatTable heat{ChunkGrid({{base, chunks* chunk}}, chunk, max_heat_chunks)};
    AccessMatrix matrix{2, chunks};
};

TEST_F(RecordFaults, AChunkBelongsToTheVcpuWithThreeQuartersOfItsFaults) {
    for (int round = 0; round < 2; ++round)
        record_round({faults(0, 3, false, 3), faults(1, 3, true, 1), faults(0, 4, false, 2),
                      faults(1, 4, false, 1)});
    EXPECT_EQ(heat.accessor(3), (Accessor{Accessor::one, 0}));
    EXPECT_EQ(heat.accessor(4).kind, Accessor::several);
    EXPECT_EQ(heat.accessor(5).kind, Accessor::unknown);
}

TEST_F(RecordFaults, ReadsAndWritesOfOneVcpuCountTogether) {
    for (int round = 0; round < 2; ++round)
        record_round({faults(0, 3, false, 1), faults(0, 3, true, 1)});
    EXPECT_EQ(heat.accessor(3), (Accessor{Accessor::one, 0}));
    EXPECT_NEAR(heat.write_share(3), 500, 4);
}

TEST_F(RecordFaults, ReturnsTheNumbersOfFaultsAndOfChunks) {
    const RecordedFaults recorded = record_round({faults(0, 0, false, 5), faults(1, 7, true, 2)});
    EXPECT_EQ(recorded.faults, 7U);
    EXPECT_EQ(recorded.chunks, 2U);
    EXPECT_EQ(recorded.outside, 0U);
}

// Counts from the kernel are not trusted.
TEST_F(RecordFaults, FaultsOutsideTheGuestsMemoryChangeNoChunk) {
    const RecordedFaults recorded =
        record_round({faults(0, 8, false, 5), faults(0, ~std::uint64_t{0}, false, 1),
                      faults(-1, 7, false, 1), faults(max_vcpu_id + 1, 1, false, 1),
                      faults(0, 2, false, ~std::uint64_t{0}), faults(0, 2, false, 0)});
    EXPECT_EQ(recorded.outside, 8U);
    EXPECT_EQ(recorded.chunks, 0U);
}

TEST_F(RecordFaults, AgreementIsTheShareOfChunksThatKeepTheirAccessor) {
    const std::vector<CountedFaults> round{faults(0, 0, false, 1), faults(0, 1, false, 1)};
    record_round(round);
    record_round(round);
    EXPECT_EQ(record_round(round).agreement, 1000);
    EXPECT_EQ(record_round({faults(0, 0, false, 1), faults(1, 1, false, 1)}).agreement, 500);
}

TEST_F(RecordFaults, ChunksWithoutAKnownAccessorDoNotAgree) {
    const std::vector<CountedFaults> round{faults(0, 0, false, 1)};
    EXPECT_EQ(record_round(round).agreement, 0);
    EXPECT_EQ(record_round(round).agreement, 0);
    EXPECT_EQ(record_round(round).agreement, 1000);
    EXPECT_EQ(record_round({faults(0, 0, false, 1), faults(0, 5, false, 1)}).agreement, 500);
}

TEST_F(RecordFaults, FaultsInABucketOfSeveralChunksCountForEachOfThem) {
    for (int round = 0; round < 2; ++round)
        record_faults(std::vector<CountedFaults>{faults(1, 1, false, 4)}, shift + 1, map, heat,
                      matrix, FaultOrigin::round);
    for (std::size_t i = 0; i < 8; ++i)
        EXPECT_EQ(heat.accessor(i).kind, i == 2 || i == 3 ? Accessor::one : Accessor::unknown);
}

TEST_F(RecordFaults, TheMatrixShowsWhichVcpusShareMemory) {
    heat.merge(std::vector<std::int32_t>{max_level, max_level / 2, 0, 0, 0, 0, 0, 0}, 13, false);
    record_round({faults(0, 0, false, 4), faults(0, 1, false, 1), faults(1, 1, false, 1),
                  faults(1, 7, false, 9)});
    EXPECT_EQ(matrix.at(0, 0), 1000U);
    EXPECT_EQ(matrix.at(1, 0), 0U);
    EXPECT_EQ(matrix.at(0, 1), 249U);
    EXPECT_EQ(matrix.at(1, 1), 249U);
    EXPECT_EQ(matrix.at(1, 7), 1U);
}

TEST_F(RecordFaults, IncidentalFaultsDoNotFadeExtentsThatDidNotFault) {
    heat.merge(std::vector<std::int32_t>(8, max_level), 13, false);
    record_round({faults(0, 0, false, 4), faults(1, 7, false, 4)});
    ASSERT_EQ(matrix.at(1, 7), 1000U);
    record_faults(std::vector<CountedFaults>{faults(0, 0, false, 4)}, shift, map, heat, matrix,
                  FaultOrigin::incidental);
    EXPECT_EQ(matrix.at(1, 7), 1000U);
    EXPECT_EQ(matrix.at(0, 0), 1750U);
    record_round({faults(0, 0, false, 4)});
    EXPECT_EQ(matrix.at(1, 7), 750U) << "a round fades extents that did not fault";
}

}  // namespace
}  // namespace vnuma
