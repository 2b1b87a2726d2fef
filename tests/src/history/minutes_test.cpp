#include "src/history/minutes.hpp"

#include <gtest/gtest.h>

#include "tests/src/history/histories.hpp"
#include "tests/src/hosts.hpp"

namespace vnuma::history {
namespace {

using test::time_of;

// A guest with two vCPUs, on a host whose nodes are 0 and 4.
class MinuteSumsTest : public ::testing::Test {
  protected:
    MinuteSumsTest() {
        auto look = std::make_shared<Look>();
        GuestSample guest;
        guest.uuid = "u";
        CellSample sample;
        sample.vcpus.resize(2);
        sample.vcpus[0].last_cpu = 0;
        sample.vcpus[0].thread = 11;
        sample.vcpus[1].last_cpu = 2;
        sample.vcpus[1].thread = 12;
        guest.cells = {sample};
        look->sample.guests = {guest};
        look->use.by_vcpu = {{11, 300'000}, {12, 100'000}};
        tick.look = look;
        tick.host = test::two_nodes();
        tick.snapshot.topology = tick.host.topology;
        CellState cell;
        cell.key = {"u", 0};
        cell.residency = {768 * mib, 256 * mib};
        cell.heat = {0, 0};
        tick.snapshot.guests = {{"u", "web", "", {cell}, {}}};
    }
    std::optional<Minutes> update(std::int64_t time_ms, MilliCpu use) {
        tick.time_ms = time_ms;
        tick.snapshot.guests[0].cells[0].cpu_use = use;
        return sums.update(tick);
    }

    Tick tick;
    MinuteSums sums;
};

TEST_F(MinuteSumsTest, MeansAreThoseOfAMinuteAndTheRestIsOfItsEnd) {
    EXPECT_FALSE(update(time_of(0), 400));
    Verdict verdict{{"u", 0}, Reason::settled};
    verdict.home = Home{NodeIndex(1)};
    tick.plan.verdicts = {verdict};
    tick.results = {{MoveMemory{{"u", 0}, NodeIndex(1)}, 5 * mib, ""}};
    tick.snapshot.topology.nodes[0].other_use = 50;
    EXPECT_FALSE(update(time_of(1) - 1, 800));
    const auto minutes = update(time_of(1), 0);
    ASSERT_TRUE(minutes);
    ASSERT_EQ(minutes->cells.size(), 1U);
    const control::CellMinute& cell = minutes->cells[0];
    EXPECT_EQ(cell.time_ms, time_of(0));
    EXPECT_EQ(cell.guest, "web");
    EXPECT_EQ(cell.home, 4);
    EXPECT_EQ(cell.cpu_use, 600);
    EXPECT_EQ(cell.locality, 500) << "a vCPU on each node";
    EXPECT_EQ(cell.memory, (std::vector<control::NodeBytes>{{0, 768 * mib}, {4, 256 * mib}}));
    EXPECT_EQ(cell.moved, 5 * mib);
    ASSERT_EQ(minutes->nodes.size(), 2U);
    EXPECT_EQ(minutes->nodes[0].other_use, 25);
    EXPECT_NEAR(static_cast<double>(minutes->nodes[0].guest_use), 450, 3) << "as busy as its vCPU";
    EXPECT_EQ(minutes->nodes[1].node, 4);
    EXPECT_NEAR(static_cast<double>(minutes->nodes[1].guest_use), 150, 3);
}

TEST_F(MinuteSumsTest, LocalityIsThatOfHotMemoryWhereItIsKnown) {
    tick.snapshot.guests[0].cells[0].heat = {64 * mib, 0};
    auto look = std::make_shared<Look>(*tick.look);
    look->sample.guests[0].cells[0].vcpus.pop_back();
    tick.look = look;
    update(time_of(0), 1);
    EXPECT_EQ(sums.take()->cells.at(0).locality, 1000);
}

TEST_F(MinuteSumsTest, ShardsHaveAHomeInCommonOrNone) {
    Verdict split{{"u", 0}, Reason::split}, first{{"u", 0, 0}, Reason::settled};
    first.home = Home{NodeIndex(1)};
    Verdict second = first;
    second.key.shard = 1;
    tick.plan.verdicts = {split, first, second};
    update(time_of(0), 1);
    EXPECT_EQ(sums.take()->cells.at(0).home, 4);
    tick.plan.verdicts[2].home = Home{NodeIndex(0)};
    update(time_of(0), 1);
    EXPECT_EQ(sums.take()->cells.at(0).home, std::nullopt);
}

TEST_F(MinuteSumsTest, ABlindTickCountsNothingButEndsTheMinute) {
    EXPECT_FALSE(update(time_of(0), 400));
    Tick blind;
    blind.time_ms = time_of(0) + 1;
    EXPECT_FALSE(sums.update(blind));
    blind.time_ms = time_of(5);
    const auto minutes = sums.update(blind);
    ASSERT_TRUE(minutes);
    EXPECT_EQ(minutes->cells.at(0).cpu_use, 400);
    EXPECT_FALSE(sums.take());
}

}  // namespace
}  // namespace vnuma::history
