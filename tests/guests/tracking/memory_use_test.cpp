#include "guests/tracking/memory_use.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace vnuma {
namespace {

constexpr std::uint64_t chunk = 2 << 20;
constexpr std::uint64_t base = 0x7f0000000000;
constexpr int shift = 21;

RamBlock block_at(std::uint64_t guest_physical, std::uint64_t bytes) {
    RamBlock block;
    block.host = {base + guest_physical, bytes};
    block.guest = {{guest_physical, bytes}};
    return block;
}

// A guest with 8 chunks, and with vCPUs 0 and 4 on the threads 100 and 104.
GuestSample small_guest() {
    GuestSample guest;
    CellSample& cell = guest.cells.emplace_back();
    cell.blocks = {block_at(0, 8 * chunk)};
    for (const int id : {0, 4}) {
        VcpuSample& vcpu = cell.vcpus.emplace_back();
        vcpu.id = id;
        vcpu.thread = 100 + id;
    }
    return guest;
}

CountedFaults reads_by(pid_t thread, std::uint64_t bucket, std::uint64_t count) {
    return {.process = 1, .thread = thread, .vcpu = 77, .bucket = bucket, .count = count};
}

class MemoryUseTest : public testing::Test {
  protected:
    MemoryUseTest() { use.follow(guest); }
    FaultSums collect(const std::vector<CountedFaults>& faults) {
        return use.collect(faults, shift, 0);
    }
    TrackingSample sample(bool with_map = false) const {
        TrackingSample sample;
        use.fill(sample, true, with_map);
        return sample;
    }

    GuestSample guest = small_guest();
    MemoryUse use;
};

TEST_F(MemoryUseTest, TellsWhatHasChanged) {
    EXPECT_FALSE(use.follow(guest).memory);
    EXPECT_FALSE(use.follow(guest).vcpus);
    guest.cells[0].vcpus[1].id = 5;
    EXPECT_TRUE(use.follow(guest).vcpus);
    guest.cells[0].blocks.push_back(block_at(8 * chunk, chunk));
    EXPECT_TRUE(use.follow(guest).memory);
}

TEST_F(MemoryUseTest, BucketsAreAsLargeAsChunksAndPages) {
    EXPECT_EQ(use.bucket_shift(), 21);
    guest.cells[0].blocks[0].page_bytes = 1 << 30;
    use.follow(guest);
    EXPECT_EQ(use.bucket_shift(), 30);
}

TEST_F(MemoryUseTest, BucketsOfALargeGuestLeaveRoomForOthers) {
    guest.cells[0].blocks = {block_at(0, std::uint64_t{1} << 36)};
    use.follow(guest);
    EXPECT_EQ(use.bucket_shift(), 22) << "16,384 buckets";
}

TEST_F(MemoryUseTest, FaultsBelongToTheVcpuOfTheirThread) {
    for (int round = 0; round < 2; ++round) {
        const FaultSums sums = collect({reads_by(104, 3, 10)});
        EXPECT_EQ(sums.reads, 10U);
        use.record(FaultOrigin::round);
    }
    const TrackingSample seen = sample(true);
    ASSERT_EQ(seen.map.size(), 1U);
    EXPECT_EQ(seen.map[0].address, 3 * chunk);
    EXPECT_EQ(seen.map[0].accessor, 4);
    EXPECT_EQ(seen.attribution.agreed, 1U);
}

TEST_F(MemoryUseTest, AccessesToDevicesAreIgnored) {
    const FaultSums sums = collect({reads_by(100, 8, 10)});
    EXPECT_EQ(sums.all(), 0U);
    EXPECT_FALSE(use.has_collected());
}

TEST_F(MemoryUseTest, FaultsCountedWithAnotherShiftAreDropped) {
    const FaultSums sums =
        use.collect(std::vector<CountedFaults>{reads_by(100, 1, 10)}, shift + 1, 5);
    EXPECT_EQ(sums.counted(), 0U);
    EXPECT_EQ(sums.dropped, 15U);
}

TEST_F(MemoryUseTest, TwoRoundsAreEnoughObservations) {
    for (int round = 0; round < 2; ++round) {
        EXPECT_FALSE(use.has_enough_observations(true));
        collect({reads_by(100, 3, 10)});
        use.record(FaultOrigin::round);
    }
    EXPECT_TRUE(use.has_enough_observations(true));
}

TEST_F(MemoryUseTest, MoreIncidentalObservationsAreNeededWhereRoundsMayFollow) {
    for (int observation = 1; observation <= 32; ++observation) {
        collect({reads_by(100, 3, 10)});
        use.record(FaultOrigin::incidental);
        EXPECT_EQ(use.has_enough_observations(false), observation >= 8) << observation;
        EXPECT_EQ(use.has_enough_observations(true), observation >= 32) << observation;
    }
}

TEST_F(MemoryUseTest, AccessesAreInTheSampleOncePublishedAndUntilTheGuestChanges) {
    EXPECT_FALSE(sample().access_matrix);
    use.publish_accesses();
    EXPECT_TRUE(sample().access_matrix);
    guest.cells[0].blocks.push_back(block_at(8 * chunk, chunk));
    use.follow(guest);
    EXPECT_FALSE(sample().access_matrix);
}

TEST_F(MemoryUseTest, ForgottenHeatLeavesNoHotChunk) {
    use.heat_table().merge(std::vector<std::int32_t>{max_level, 0, 0, 0, 0, 0, 0, 0}, 13, false);
    use.summarize();
    EXPECT_TRUE(use.has_hot_chunks());
    EXPECT_EQ(sample().hot_chunks, 1U);
    use.forget_heat();
    EXPECT_FALSE(use.has_hot_chunks());
}

}  // namespace
}  // namespace vnuma
