#include "src/control/queries/status.hpp"

#include <gtest/gtest.h>

#include "tests/src/control/queries/made_up_tick.hpp"

namespace vnuma::control {
namespace {

using test::MadeUpTick;
using test::tick_of_web1;
using test::web1_uuid;

const ServerFacts facts{"1.2", 812, 60'000, "auto", 2'000, {"the history cannot be written"}};

TEST(StatusQuery, HasFactsModeAndTroubleAsSentences) {
    MadeUpTick made = tick_of_web1();
    made.tick.policy_problem = "line 3 is wrong";
    made.tick.unmatched_sections = {"guest.wbe1"};
    made.state().policy.problems = {"metadata: home: node 5 does not exist on this host"};
    const Status status = make_status(made.tick, facts);
    EXPECT_EQ(status.version, "1.2");
    EXPECT_EQ(status.pid, 812);
    EXPECT_EQ(status.uptime_ms, 60'000);
    EXPECT_EQ(status.source, "auto");
    EXPECT_EQ(status.interval_ms, 2'000);
    EXPECT_EQ(status.tick, 7U);
    EXPECT_EQ(status.mode, Mode::act);
    EXPECT_EQ(status.trouble,
              (std::vector<std::string>{
                  "Run-time policy rejected: line 3 is wrong.",
                  "Section guest.wbe1 is that of no running guest.",
                  "Guest web1: a value of its policy is not in force as it is set: metadata: home: "
                  "node 5 does not exist on this host.",
                  "The history cannot be written."}));
}

TEST(StatusQuery, DescribesTheNodes) {
    MadeUpTick made = tick_of_web1();
    made.add_verdict(Reason::settling, 1);
    made.cell().heat = {700 * mib, 100 * mib};
    made.tick.snapshot.topology.nodes[0].other_use = 250;
    made.tick.snapshot.topology.nodes[0].huge_available[2 * mib] = 64 * mib;
    made.look->use.by_vcpu = {{100, 1'200'000}, {101, 300'000}};
    const Status status = make_status(made.tick, facts);
    ASSERT_EQ(status.nodes.size(), 2U);
    const NodeStatus& node = status.nodes[0];
    EXPECT_EQ(node.cpus, "0-1");
    EXPECT_EQ(node.capacity, 2000);
    EXPECT_EQ(node.guest_use, 1450) << "and half of what the guest uses besides its vCPUs";
    EXPECT_EQ(node.other_use, 250);
    EXPECT_EQ(node.guest_memory, 1536 * mib);
    EXPECT_EQ(node.not_at_home, 1536 * mib);
    EXPECT_EQ(node.hot_remote, 700 * mib);
    EXPECT_EQ(node.huge, (std::vector<HugePool>{{2 * mib, 64 * mib}}));
    EXPECT_EQ(node.distances, (std::vector<int>{10, 21}));
    EXPECT_EQ(status.nodes[1].not_at_home, 0) << "it is the home";
    EXPECT_EQ(status.nodes[1].hot_remote, 0);
    EXPECT_EQ(status.nodes[1].guest_use, 550);
}

TEST(StatusQuery, CountsGuestsByWhatIsDoneWithThem) {
    MadeUpTick made = tick_of_web1();
    made.add_verdict(Reason::settled, 0);
    made.add_guest("b", "b", {0}, {mib, 0});
    made.add_verdict(Reason::no_room);
    made.add_guest("c", "c", {0}, {mib, 0});
    made.add_verdict(Reason::roams);
    made.add_guest("d", "d", {0}, {mib, 0});
    made.state(3).policy.mode = Mode::off;
    const Status status = make_status(made.tick, facts);
    EXPECT_EQ(status.guests, (GuestCounts{4, 1, 0, 1, 1, 1}));
    ASSERT_EQ(status.not_at_home.size(), 2U);
    EXPECT_EQ(status.not_at_home[0].name, "b");
    EXPECT_EQ(status.not_at_home[1].name, "d");
}

TEST(StatusQuery, OfABlindTickAndBeforeTheFirstOneHasNeitherGuestsNorNodes) {
    Tick tick;
    Status status = make_status(tick, ServerFacts());
    EXPECT_EQ(status.blind, "vnumad has not looked at the guests yet");
    tick.blind = "libvirt is gone";
    status = make_status(tick, ServerFacts());
    EXPECT_EQ(status.blind, "libvirt is gone");
    EXPECT_TRUE(status.nodes.empty());
    EXPECT_TRUE(status.trouble.empty()) << "that it is blind is told once";
}

TEST(StatusQuery, TellsThatVnumadIsFrozenOnce) {
    MadeUpTick made = tick_of_web1();
    made.tick.frozen = "vnumad is frozen";
    const Status status = make_status(made.tick, ServerFacts());
    EXPECT_EQ(status.frozen, "vnumad is frozen");
    EXPECT_TRUE(status.trouble.empty());
}

TEST(StatusQuery, ListsNoMoreProblemsThanItMay) {
    MadeUpTick made = tick_of_web1();
    made.state().policy.problems.assign(max_listed_problems + 5, "metadata: mode: odd");
    const Status status = make_status(made.tick, ServerFacts());
    ASSERT_EQ(status.trouble.size(), max_listed_problems + 1);
    EXPECT_EQ(status.trouble.back(),
              "There are 5 more problems of guests, see vnumactl show GUEST.");
}

TEST(StatusQuery, NamesOtherBalancers) {
    MadeUpTick made = tick_of_web1();
    made.tick.rivals.push_back({"ksm", "KSM merges pages of different nodes", Handling::share, {}});
    EXPECT_EQ(make_status(made.tick, facts).rivals,
              (std::vector<RivalStatus>{{"ksm", "KSM merges pages of different nodes", "share",
                                         "vnumad goes on as without it"}}));
}

}  // namespace
}  // namespace vnuma::control
