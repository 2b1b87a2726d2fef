// Cells with neither vCPUs nor memory, as guests with a GPU have them.
#include <gtest/gtest.h>

#include "guests/model/access_matrix.hpp"
#include "src/observe/derive_snapshot.hpp"
#include "tests/src/hosts.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;

// A guest of three cells, as it is described and read: one with two vCPUs and memory, one with
// neither, and one of this size without vCPUs.
struct Guest {
    explicit Guest(Bytes last_size) {
        sample.uuid = "u";
        sample.memory_nodes = {0, 4};
        sample.cells.resize(3);
        domain.cells.resize(3);
        for (const int id : {0, 1}) {
            sample.cells[0].vcpus.push_back({{100 + id, 7, 0, 0, 0, {0, 1, 2, 3}}, id});
            domain.cells[0].vcpus.push_back(id);
        }
        for (std::size_t c = 0; c < sample.cells.size(); ++c) {
            sample.cells[c].id = domain.cells[c].id = static_cast<int>(c);
            domain.cells[c].distances = {{1, 70}, {2, 30}};
        }
        set_size(0, 1024 * mib);
        set_size(2, last_size);
    }
    void set_size(std::size_t cell, Bytes bytes) {
        sample.cells[cell].size = domain.cells[cell].bytes = bytes;
    }

    GuestSample sample;
    Domain domain;
};

// What the planner is told of the guest.
GuestState derived(const Guest& guest, const HostPolicy& policy = {}) {
    const Host host = test::two_nodes();
    Look look{{}, {host.topology, {0ms, 0ms}}};
    look.sample.guests = {guest.sample};
    look.sample.guests[0].domain = std::make_shared<const Domain>(guest.domain);
    look.use.by_vcpu = {{100, 0}, {101, 0}};
    ListedGuest listed;
    listed.uuid = guest.sample.uuid;
    listed.domain = look.sample.guests[0].domain;
    const KnownPins pins;
    const HandsOffGuests hands_off("");
    return derive(look, host, {pins, hands_off}, policy,
                  resolve_policies({listed}, policy, host.topology))
        .guests.at(0);
}

TEST(EmptyCells, TakeNoPart) {
    HostPolicy policy;
    policy.guests["u"].home = std::vector<int>{4, 4, 0};
    const GuestState guest = derived(Guest(mib), policy);
    ASSERT_EQ(guest.cells.size(), 2U);
    EXPECT_EQ(guest.cells[0].key.cell, 0);
    EXPECT_EQ(guest.cells[1].key.cell, 2) << "it has memory, though no vCPUs";
    EXPECT_EQ(guest.distances, (std::vector<std::vector<int>>{{10, 30}, {20, 10}}));
    EXPECT_EQ(guest.cells[0].allowed, NodeSet::only(NodeIndex(1)));
    EXPECT_EQ(guest.cells[1].allowed, NodeSet::only(NodeIndex(0))) << "homes are by cell";
}

TEST(EmptyCells, LeaveAGuestOfOneCell) {
    Guest guest(0);
    guest.sample.tracking.access_matrix = std::make_shared<AccessMatrix>(2, 3);
    HostPolicy policy;
    policy.groups["db"].arrangement = Arrangement::together;
    policy.guests["u"].group = "db";
    const GuestState state = derived(guest, policy);
    EXPECT_EQ(state.cells.size(), 1U);
    ASSERT_TRUE(state.wide) << "it can be split";
    EXPECT_EQ(state.wide->vcpus(), 2U);
    EXPECT_EQ(state.policy.problems, std::vector<std::string>()) << "it can join the group";
}

TEST(EmptyCells, AreNotThoseWhoseVcpuThreadsCannotBeFound) {
    Guest guest(mib);
    guest.set_size(0, 0);
    guest.sample.cells[0].vcpus.clear();
    EXPECT_EQ(derived(guest).cells.size(), 2U);
    guest.domain.cells[0].vcpus.clear();
    EXPECT_EQ(derived(guest).cells.size(), 1U);
}

TEST(EmptyCells, AreNotThoseWhoseSizeIsNotKnown) {
    Guest guest(mib);
    guest.domain.cells[1].size_known = false;
    EXPECT_EQ(derived(guest).cells.size(), 3U);
}

TEST(EmptyCells, AreNeverTheOnlyOne) {
    Guest guest(0);
    guest.sample.cells.resize(1);
    guest.domain.cells.resize(1);
    guest.sample.cells[0].vcpus.clear();
    guest.domain.cells[0].vcpus.clear();
    guest.set_size(0, 0);
    EXPECT_EQ(derived(guest).cells.size(), 1U);
}

}  // namespace
}  // namespace vnuma
