#include "src/observe/derive_snapshot.hpp"

#include <gtest/gtest.h>

#include "guests/model/access_matrix.hpp"
#include "guests/tracking/attribution/attribution.hpp"
#include "src/observe/cpu_use.hpp"
#include "tests/src/hosts.hpp"

namespace vnuma {
namespace {

using test::two_nodes;

using namespace std::chrono_literals;

VcpuSample vcpu(int id, std::uint64_t run_ns, std::uint64_t wait_ns, std::vector<int> affinity) {
    return {{100 + id, 7, 0, run_ns, wait_ns, std::move(affinity)}, id};
}

Sample sample_at(std::chrono::milliseconds time, std::vector<VcpuSample> vcpus) {
    GuestSample guest;
    guest.uuid = "u";
    guest.memory_nodes = {0, 4};
    CellSample cell;
    cell.vcpus = std::move(vcpus);
    cell.residency.bytes = {{0, 300}, {4, 100}};
    guest.cells.push_back(std::move(cell));
    Sample sample;
    sample.time = std::chrono::steady_clock::time_point(time);
    sample.guests.push_back(std::move(guest));
    return sample;
}

std::vector<ListedGuest> listed(const Sample& sample) {
    std::vector<ListedGuest> guests;
    for (const GuestSample& guest : sample.guests) {
        ListedGuest& one = guests.emplace_back();
        one.uuid = guest.uuid;
        one.name = guest.name;
        one.domain = guest.domain;
        if (one.domain) continue;
        Domain domain;
        domain.cells.resize(guest.cells.size());
        one.domain = std::make_shared<const Domain>(domain);
    }
    return guests;
}

class DeriveTest : public ::testing::Test {
  protected:
    const CellState& derive_cell(const Sample* before, const Sample& now) {
        previous.reset();
        if (before) next(*before);
        return next(now);
    }
    const CellState& next(const Sample& now) {
        Look look{now, {host.topology, busy}, {}};
        look.use = measure_use(previous ? &*previous : nullptr, look, host);
        snapshot = derive(look, host, {pins, hands_off}, policy,
                          resolve_policies(listed(now), policy, look.host.topology));
        previous = std::move(look);
        return snapshot.guests.at(0).cells.at(0);
    }
    Host host = two_nodes();
    KnownPins pins;
    HandsOffGuests hands_off{""};
    HostPolicy policy;
    const std::vector<std::chrono::milliseconds> busy{0ms, 0ms};
    Snapshot snapshot;
    std::optional<Look> previous;
};

TEST_F(DeriveTest, AThreadSeenForTheFirstTimeMakesTheGuestUnsteadyForOneTick) {
    const Sample now = sample_at(2000ms, {vcpu(0, 1, 1, {0})});
    derive_cell(nullptr, now);
    EXPECT_NE(snapshot.guests[0].unsteady, "");

    Sample reused = sample_at(0ms, {vcpu(0, 1, 1, {0})});
    reused.guests[0].cells[0].vcpus[0].start_time = 6;
    derive_cell(&reused, now);
    EXPECT_NE(snapshot.guests[0].unsteady, "");
}

TEST_F(DeriveTest, ResidencyIsByIndexWhateverTheKernelsNumbers) {
    const Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0})});
    EXPECT_EQ(derive_cell(nullptr, now).residency, (std::vector<Bytes>{300, 100}));
}

TEST_F(DeriveTest, OwnersAffinityAndCpusetNarrowWhatIsAllowed) {
    const Sample free_now = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2, 3})});
    EXPECT_EQ(derive_cell(nullptr, free_now).allowed.size(), 2);
    const Sample pinned = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2, 3}), vcpu(1, 0, 0, {3})});
    EXPECT_FALSE(derive_cell(nullptr, pinned).allowed.contains(NodeIndex(0)));
    EXPECT_TRUE(derive_cell(nullptr, pinned).allowed.contains(NodeIndex(1)));

    Sample strict = free_now;
    strict.guests[0].memory_nodes = {4};
    EXPECT_FALSE(derive_cell(nullptr, strict).allowed.contains(NodeIndex(0)));
    Sample bound = free_now;
    bound.guests[0].cells[0].residency.bound_to = {0};
    EXPECT_FALSE(derive_cell(nullptr, bound).allowed.contains(NodeIndex(1)));
}

TEST_F(DeriveTest, APolicyThatItsOwnerContradictsIsAProblem) {
    const Sample pinned = sample_at(0ms, {vcpu(0, 0, 0, {2, 3})});
    policy.guests["u"].nodes = {0, 4};
    EXPECT_EQ(derive_cell(nullptr, pinned).allowed, NodeSet::only(NodeIndex(1)));
    EXPECT_TRUE(snapshot.guests[0].policy.problems.empty());
    policy.guests["u"].nodes = {0};
    EXPECT_TRUE(derive_cell(nullptr, pinned).allowed.empty());
    ASSERT_EQ(snapshot.guests[0].policy.problems.size(), 1U);
    EXPECT_NE(snapshot.guests[0].policy.problems[0].find("its owner"), std::string::npos);
}

TEST_F(DeriveTest, ANodeThatLeavesTooFewCpusIsNotAllowed) {
    // Three CPUs for two vCPUs, one of them on node 4: pinned there, both would share it.
    const Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2}), vcpu(1, 0, 0, {0, 1, 2})});
    EXPECT_TRUE(derive_cell(nullptr, now).allowed.contains(NodeIndex(0)));
    EXPECT_FALSE(derive_cell(nullptr, now).allowed.contains(NodeIndex(1)));
    // An owner who gives one CPU to both wants it so.
    const Sample strict = sample_at(0ms, {vcpu(0, 0, 0, {2}), vcpu(1, 0, 0, {2})});
    EXPECT_TRUE(derive_cell(nullptr, strict).allowed.contains(NodeIndex(1)));
}

TEST_F(DeriveTest, GuestsCompeteForTheCpusThatTheyMayUse) {
    const auto usable = [&](std::size_t guest, std::size_t node) {
        const CellState& cell = snapshot.guests[guest].cells[0];
        return usable_cores(snapshot.topology, cell, NodeIndex(node));
    };
    Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2, 3})});
    derive_cell(nullptr, now);
    EXPECT_TRUE(snapshot.topology.pools.empty());
    now.guests.push_back(sample_at(0ms, {vcpu(1, 0, 0, {0, 2, 3})}).guests[0]);
    now.guests[1].uuid = "v";
    derive_cell(nullptr, now);
    EXPECT_EQ(snapshot.topology.pools.size(), 3U);
    EXPECT_EQ(usable(0, 0), 2000);
    EXPECT_EQ(usable(1, 0), 1000);
    EXPECT_EQ(usable(1, 1), 2000);
    host.isolated = {1, 3};
    derive_cell(nullptr, now);
    for (const std::size_t guest : {0, 1})
        for (const std::size_t node : {0, 1})
            EXPECT_EQ(usable(guest, node), 1000) << "the scheduler does not use the others";
}

TEST_F(DeriveTest, VcpusOnSeveralIsolatedCpusAreTold) {
    host.isolated = {2, 3};
    const Sample now =
        sample_at(0ms, {vcpu(0, 0, 0, {2, 3}), vcpu(1, 0, 0, {3}), vcpu(2, 0, 0, {0, 1, 2, 3})});
    EXPECT_EQ(derive_cell(nullptr, now).unspread_vcpus, 1);
}

TEST_F(DeriveTest, ANodeThatLeavesOnlyIsolatedCpusIsNotAllowed) {
    host.isolated = {0, 1};
    const Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2, 3})});
    EXPECT_EQ(derive_cell(nullptr, now).allowed, NodeSet::only(NodeIndex(1)));
}

TEST_F(DeriveTest, ANodeWithoutMemoryIsAllowedWhereTheNearestMemoryIs) {
    host.topology.nodes[1].memory_total = 0;
    Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2, 3})});
    now.guests[0].memory_nodes = {0};
    EXPECT_EQ(derive_cell(nullptr, now).allowed, NodeSet::first(2));
    policy.guests["u"].nodes = std::vector<int>{4};
    EXPECT_TRUE(derive_cell(nullptr, now).allowed.empty()) << "its memory would be on node 0";
    policy.guests["u"].nodes = std::vector<int>{0, 4};
    policy.guests["u"].home = std::vector<int>{4};
    EXPECT_EQ(derive_cell(nullptr, now).allowed, NodeSet::only(NodeIndex(1)));
    EXPECT_TRUE(snapshot.guests[0].policy.problems.empty());
}

TEST_F(DeriveTest, ACellIsConfinedWhenAllItsVcpusAreOnOneNode) {
    const Sample mixed = sample_at(0ms, {vcpu(0, 0, 0, {0}), vcpu(1, 0, 0, {2})});
    EXPECT_EQ(derive_cell(nullptr, mixed).confined_to, std::nullopt);
    const Sample there = sample_at(0ms, {vcpu(0, 0, 0, {2}), vcpu(1, 0, 0, {2, 3})});
    EXPECT_EQ(derive_cell(nullptr, there).confined_to, NodeIndex(1));
}

TEST_F(DeriveTest, PinnedMemoryIsNotMovable) {
    Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0})});
    now.guests[0].immovable = "VFIO";
    EXPECT_FALSE(derive_cell(nullptr, now).movable);
}

TEST_F(DeriveTest, TheWishForAMemoryDeviceNarrowsWhereItsCellMayBe) {
    Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2, 3})});
    RamBlock dimm;
    dimm.numatune = NumaTune{"strict", {4}};
    now.guests[0].cells[0].blocks = {RamBlock(), dimm};
    EXPECT_EQ(derive_cell(nullptr, now).allowed, NodeSet::only(NodeIndex(1)));
    EXPECT_TRUE(derive_cell(nullptr, now).movable);
    now.guests[0].cells[0].immovable = "its owner binds parts of it to different nodes";
    EXPECT_EQ(derive_cell(nullptr, now).allowed.size(), 2) << "it stays wherever the vCPUs are";
    EXPECT_FALSE(derive_cell(nullptr, now).movable);
}

std::shared_ptr<const Domain> domain_with(const DomainTuning& tuning) {
    Domain domain;
    domain.tuning = tuning;
    return std::make_shared<const Domain>(domain);
}

TEST_F(DeriveTest, AStrictNodesetNarrowsWhatIsAllowedAndAPreferenceDoesNot) {
    Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2, 3})});
    DomainTuning tuning;
    tuning.numatune = NumaTune{"strict", {4}};
    now.guests[0].domain = domain_with(tuning);
    NodeSet second;
    second.insert(NodeIndex(1));
    EXPECT_EQ(derive_cell(nullptr, now).allowed, second);

    tuning.numatune->mode = "preferred";
    now.guests[0].domain = domain_with(tuning);
    EXPECT_EQ(derive_cell(nullptr, now).allowed, NodeSet::first(2));

    RamBlock block;
    block.numatune = NumaTune{"strict", {0}};
    now.guests[0].cells[0].blocks.push_back(block);
    EXPECT_EQ(derive_cell(nullptr, now).allowed, NodeSet::first(1)) << "as QEMU was started";
}

TEST_F(DeriveTest, ACellOfHugePagesSaysSo) {
    Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2, 3})});
    EXPECT_EQ(derive_cell(nullptr, now).huge_page, 0);
    RamBlock block;
    block.hugetlb = true;
    block.page_bytes = 2 * mib;
    now.guests[0].cells[0].blocks.push_back(block);
    EXPECT_EQ(derive_cell(nullptr, now).huge_page, 2 * mib);
}

TEST_F(DeriveTest, ACellWithMoreVcpusThanANodeHasCpusIsAllowedThereAndTooLarge) {
    const std::vector<int> all{0, 1, 2, 3};
    const Sample now = sample_at(
        0ms, {vcpu(0, 0, 0, all), vcpu(1, 0, 0, all), vcpu(2, 0, 0, all), vcpu(3, 0, 0, all)});
    EXPECT_EQ(derive_cell(nullptr, now).allowed, NodeSet::first(2));
}

TEST_F(DeriveTest, HeatIsByIndexToo) {
    Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2, 3})});
    EXPECT_EQ(derive_cell(nullptr, now).heat, (std::vector<Bytes>{0, 0}));
    now.guests[0].tracking.heat_by_cell[0] = {{4, 70}, {9, 1}};
    EXPECT_EQ(derive_cell(nullptr, now).heat, (std::vector<Bytes>{0, 70})) << "there is no node 9";
}

TEST_F(DeriveTest, AGuestOfOneCellTellsWhichVcpusTouchWhat) {
    const Sample before = sample_at(0ms, {vcpu(0, 0, 0, {0}), vcpu(7, 0, 0, {0})});
    Sample now = sample_at(1000ms, {vcpu(0, 100'000'000, 0, {0}), vcpu(7, 300'000'000, 0, {2, 3})});
    derive_cell(&before, now);
    EXPECT_FALSE(snapshot.guests[0].wide);
    auto matrix = std::make_shared<AccessMatrix>(8, 3);
    matrix->add(7, 2, 9);
    now.guests[0].tracking.access_matrix = matrix;
    now.guests[0].tracking.owned = {{{7, {{4, 50}}}}, {{1, {{0, 6}}}}};
    derive_cell(&before, now);
    ASSERT_TRUE(snapshot.guests[0].wide);
    const WideUse& wide = *snapshot.guests[0].wide;
    EXPECT_EQ(wide.cpu_use, (std::vector<MilliCpu>{100, 300}));
    EXPECT_EQ(wide.at(1, 2), 9U) << "by places, not numbers";
    EXPECT_EQ(wide.at(0, 2), 0U);
    EXPECT_EQ(wide.own, (std::vector<std::vector<Bytes>>{{0, 0}, {0, 50}}));
    EXPECT_EQ(wide.shared, (std::vector<std::vector<Bytes>>{{0, 0}, {6, 0}, {0, 0}}));
    EXPECT_EQ(wide.confined_to[1], NodeIndex(1));
}

TEST_F(DeriveTest, PolicyNarrowsWhatTheOwnerAllows) {
    const Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2, 3})});
    policy.guests["u"].nodes = {{4}};
    NodeSet second;
    second.insert(NodeIndex(1));
    EXPECT_EQ(derive_cell(nullptr, now).allowed, second);
    policy.guests["u"].nodes = {{0, 4}};
    policy.guests["u"].home = {{4}};
    EXPECT_EQ(derive_cell(nullptr, now).allowed, second);
    policy.guests["u"] = {};
    policy.guests["u"].memory = MemoryPolicy::none;
    EXPECT_FALSE(derive_cell(nullptr, now).movable);
}

TEST_F(DeriveTest, WhatIsSaidAtRunTimeGoesBeforeTheConfiguration) {
    const Sample now = sample_at(1000ms, {vcpu(0, 1, 1, {0, 1, 2, 3})});
    policy.guests["u"].priority = 1;
    policy.run_time.guests["u"].priority = 2;
    derive_cell(nullptr, now);
    EXPECT_EQ(snapshot.guests[0].policy.priority, 2);
}

TEST_F(DeriveTest, GroupsAreThoseOfTheConfigurationAndOfRunTime) {
    policy.groups["db"].arrangement = Arrangement::apart;
    policy.guests["u"].group = "db";
    derive_cell(nullptr, sample_at(0ms, {vcpu(0, 0, 0, {0})}));
    ASSERT_EQ(snapshot.groups.size(), 1U);
    EXPECT_EQ(snapshot.groups[0].name, "db");
    EXPECT_EQ(snapshot.groups[0].arrangement, Arrangement::apart);
    EXPECT_EQ(snapshot.guests[0].policy.group, "db");
    policy.run_time.groups["db"].members.priority = 7;
    policy.run_time.groups["new"].arrangement = Arrangement::together;
    derive_cell(nullptr, sample_at(0ms, {vcpu(0, 0, 0, {0})}));
    ASSERT_EQ(snapshot.groups.size(), 2U);
    EXPECT_EQ(snapshot.groups[0].arrangement, Arrangement::apart);
    EXPECT_EQ(snapshot.groups[1].name, "new");
    EXPECT_EQ(snapshot.groups[1].arrangement, Arrangement::together);
    EXPECT_EQ(snapshot.guests[0].policy.priority, 7);
}

TEST_F(DeriveTest, CellsAreAsFarApartAsTheGuestIsTold) {
    Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0})});
    now.guests[0].cells.emplace_back().id = 1;
    now.guests[0].cells[1].size = mib;
    Domain domain;
    domain.cells.resize(2);
    domain.cells[1].id = 1;
    now.guests[0].domain = std::make_shared<const Domain>(domain);
    derive_cell(nullptr, now);
    EXPECT_TRUE(snapshot.guests[0].distances.empty());
    domain.cells[0].distances = {{0, 10}, {1, 16}};
    now.guests[0].domain = std::make_shared<const Domain>(domain);
    derive_cell(nullptr, now);
    EXPECT_EQ(snapshot.guests[0].distances, (std::vector<std::vector<int>>{{10, 16}, {20, 10}}));
}

TEST_F(DeriveTest, AGroupThatBelongsTogetherNeedsANodeThatAllMayUse) {
    Sample now = sample_at(0ms, {vcpu(0, 0, 0, {0, 1, 2, 3})});
    now.guests.push_back(now.guests[0]);
    now.guests[1].uuid = "v";
    policy.groups["db"].arrangement = Arrangement::together;
    policy.defaults.group = "db";
    policy.guests["u"].nodes = {0};
    derive_cell(nullptr, now);
    EXPECT_EQ(snapshot.guests[0].policy.problems, std::vector<std::string>());
    policy.guests["v"].nodes = {4};
    derive_cell(nullptr, now);
    for (const GuestState& guest : snapshot.guests)
        EXPECT_EQ(guest.policy.problems,
                  std::vector<std::string>{
                      "group.db: arrangement: no node may be used by all of its members"});
    policy.run_time.groups["db"].arrangement = Arrangement::together;
    derive_cell(nullptr, now);
    EXPECT_EQ(snapshot.guests[0].policy.problems.front().find("run-time policy, group.db: "), 0U);
}

}  // namespace
}  // namespace vnuma
