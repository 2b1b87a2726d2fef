#include "src/act/target_memory.hpp"

#include <gtest/gtest.h>

#include "tests/src/fake_host.hpp"

namespace vnuma {
namespace {

using namespace test;

class TargetMemoryTest : public ::testing::Test {
  protected:
    TargetMemory::Room room(Bytes hugetlb_page = 0) {
        return memory.read(host.read(host.host).topology.nodes[1], hugetlb_page, clock.now());
    }

    FakeClock clock;
    FakeHost host{clock, 2, 4, 1000 * mib};
    PlannerSettings settings;  // a watermark of 5 %
    TargetMemory memory{host, settings};
};

TEST_F(TargetMemoryTest, OursAndTwiceTheKernelsWatermarksStayFree) {
    EXPECT_EQ(room().bytes, 950 * mib);
    clock.pass(TargetMemory::watermark_age);
    host.high_watermark = 40 * mib;
    EXPECT_EQ(room().bytes, 920 * mib);
}

TEST_F(TargetMemoryTest, TheRefusalTellsWhichWatermarkItIs) {
    host.used_by_others[1] = 949 * mib;
    EXPECT_EQ(room().refusal, "node 1 is at its watermark");
    clock.pass(TargetMemory::watermark_age);
    host.high_watermark = 30 * mib;
    EXPECT_EQ(room().refusal, "node 1 is near the kernel's high watermark");
}

TEST_F(TargetMemoryTest, TheKernelsWatermarkIsReadRarely) {
    room();
    host.high_watermark = 40 * mib;
    clock.pass(TargetMemory::watermark_age - 1ns);
    EXPECT_EQ(room().bytes, 950 * mib);
    clock.pass(1ns);
    EXPECT_EQ(room().bytes, 920 * mib);
}

TEST_F(TargetMemoryTest, APoolOfHugePagesKeepsWhatIsReserved) {
    EXPECT_EQ(room(2 * mib).refusal, "node 1 has no free page of 2048 KiB that is not reserved");
    host.pools = {0, 20 * mib};
    host.reserved = 6 * mib;
    EXPECT_EQ(room(2 * mib).bytes, 14 * mib);
    host.reserved = 19 * mib;
    EXPECT_NE(room(2 * mib).refusal, "") << "less than a page";
    host.used_by_others[1] = 1000 * mib;
    host.reserved = 0;
    EXPECT_EQ(room(2 * mib).bytes, 20 * mib) << "a pool is full or not, whatever else is";
}

}  // namespace
}  // namespace vnuma
