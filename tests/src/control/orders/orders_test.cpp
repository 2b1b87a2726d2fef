#include "src/control/orders/orders.hpp"

#include <gtest/gtest.h>

#include "src/report/tick.hpp"
#include "tests/src/loop.hpp"

namespace vnuma::control {
namespace {

using namespace test;
using Stage = OrderNews::Stage;

TEST(Orders, AreTakenOnceInTheirOrder) {
    Orders orders;
    EXPECT_FALSE(orders.add(OrderedMove{"a", {{0, 1}}, "root"}));
    EXPECT_FALSE(orders.add(OrderedRestore{"b", "root"}));
    const std::vector<Order> taken = orders.take();
    ASSERT_EQ(taken.size(), 2U);
    EXPECT_EQ(std::get<OrderedMove>(taken[0]).uuid, "a");
    EXPECT_EQ(std::get<OrderedRestore>(taken[1]).uuid, "b");
    EXPECT_TRUE(orders.take().empty());
}

TEST(Orders, AreRefusedWhenTooManyWait) {
    Orders orders;
    for (std::size_t i = 0; i < max_waiting_orders; ++i)
        EXPECT_FALSE(orders.add(OrderedRestore{"a", "root"}));
    EXPECT_TRUE(orders.add(OrderedRestore{"a", "root"}));
    orders.take();
    EXPECT_FALSE(orders.add(OrderedRestore{"a", "root"}));
}

TEST(Orders, AreRefusedByAVnumadThatDoesNotAct) {
    Tick tick;
    EXPECT_FALSE(why_no_move(tick));
    tick.frozen = "vnumad is frozen";
    EXPECT_TRUE(why_no_move(tick));
    EXPECT_FALSE(why_no_restore(tick)) << "it is the way out of trouble";
    tick.mode = Mode::advise;
    EXPECT_TRUE(why_no_restore(tick));
}

class OrdersInLoop : public Loop {
  protected:
    // All that was told of orders in the ticks so far.
    std::vector<OrderNews> news() const {
        std::vector<OrderNews> all;
        for (const Tick& tick : ticks)
            all.insert(all.end(), tick.orders.begin(), tick.orders.end());
        return all;
    }
    const std::vector<int>& policy_home() const {
        return ticks.back().snapshot.guests.at(0).policy.home;
    }
};

TEST_F(OrdersInLoop, AMoveIsCarriedOutInTheCoolDownAndEndsWhenTheGuestIsSettled) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    orders.add(OrderedMove{"a", {{0, 1}}, "root"});
    EXPECT_EQ(verdict(run(1), "a").reason, Reason::displaced);
    EXPECT_EQ(policy_home(), std::vector<int>{1}) << "so that a recording replays";
    EXPECT_EQ(news().back(),
              (OrderNews{Stage::begun, "alpha", "a", "root has ordered a move to node 1"}));
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_EQ(host->memory_on("a", 1), 200 * mib);
    EXPECT_EQ(host->affinity_of("a", 0), host->host.cpus[1]);
    EXPECT_EQ(news().back(), (OrderNews{Stage::done, "alpha", "a",
                                        "the move to node 1 that root has ordered is done"}));
    run(3);
    EXPECT_TRUE(policy_home().empty());
    EXPECT_EQ(verdict(ticks.back(), "a").home_node(), NodeIndex(1)) << "the cool-down keeps it";
}

TEST_F(OrdersInLoop, AMoveThatLeavesTheGuestWithoutAHomeIsGivenUpBeforeAnythingIsDone) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    host->used_by_others[1] = 1000 * mib;
    orders.add(OrderedMove{"a", {{0, 1}}, "root"});
    run(1);
    EXPECT_EQ(news().back().stage, Stage::given_up);
    EXPECT_EQ(verdict(ticks.back(), "a").home_node(), NodeIndex(0));
    EXPECT_EQ(host->affinity_of("a", 0), host->host.cpus[0]);
}

TEST_F(OrdersInLoop, AMoveOfAGuestThatHasGoneIsGivenUp) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    orders.add(OrderedMove{"b", {{0, 1}}, "root"});
    run(1);
    ASSERT_EQ(news().size(), 1U);
    EXPECT_NE(news()[0].text.find("is given up: the guest is gone"), std::string::npos);
}

TEST_F(OrdersInLoop, AMoveThatTakesTooLongIsGivenUp) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    host->fail_affinity = [](const auto&) { return EPERM; };
    orders.add(OrderedMove{"a", {{0, 1}}, "root"});
    run(static_cast<std::size_t>(max_order_time / config.interval.count()) + 2);
    EXPECT_EQ(news().back().stage, Stage::given_up);
    EXPECT_NE(news().back().text.find("longer than 10 minutes"), std::string::npos);
    EXPECT_TRUE(policy_home().empty() || ticks.back().orders.size() == 1U);
}

TEST_F(OrdersInLoop, AMoveAgainstThePolicyIsGivenUp) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    config.policy.defaults.nodes = std::vector<int>{0};
    orders.add(OrderedMove{"a", {{0, 1}}, "root"});
    run(1);
    EXPECT_NE(news().back().text.find("allows nodes 0 only"), std::string::npos);
}

TEST_F(OrdersInLoop, ADryRunCarriesOutNoOrder) {
    config.mode = Mode::advise;
    host->real = false;
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    orders.add(OrderedRestore{std::nullopt, "root"});
    run(2);
    ASSERT_EQ(news().size(), 1U);
    EXPECT_EQ(news()[0].stage, Stage::given_up);
    EXPECT_EQ(ticks.back().frozen, "");
}

TEST_F(OrdersInLoop, ARestoredGuestHasItsOwnersCpusAndIsLeftAlone) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    host->guests["a"].emulator_threads = 1;
    host->guests["b"] = make_guest("beta", 2, 200 * mib, 1);
    const std::vector<int> all = host->affinity_of("a", 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    run(1);
    ASSERT_EQ(host->affinity_of("a", FakeHost::emulator_thread(0)), host->host.cpus[0]);
    orders.add(OrderedRestore{"a", "root"});
    run(1);
    EXPECT_EQ(news().back().stage, Stage::done);
    run(10);
    EXPECT_EQ(host->affinity_of("a", 0), all);
    EXPECT_EQ(host->affinity_of("a", 1), all);
    EXPECT_EQ(host->affinity_of("a", FakeHost::emulator_thread(0)), all);
    EXPECT_EQ(host->affinity_of("b", 0), host->host.cpus[1]) << "others stay at home";
    EXPECT_EQ(hands_off.all().at("a").cpus, "root has ordered to restore it and leave it alone");
    EXPECT_TRUE(std::filesystem::exists(directory.path("hands-off/a")));
}

TEST_F(OrdersInLoop, WhatTheOwnerHasPinnedSinceStaysInARestore) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    const std::vector<int> all = host->affinity_of("a", 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    host->set_affinity_of("a", 0, {5});
    orders.add(OrderedRestore{"a", "root"});
    run(2);
    EXPECT_EQ(host->affinity_of("a", 0), std::vector<int>{5});
    EXPECT_EQ(host->affinity_of("a", 1), all);
}

TEST_F(OrdersInLoop, ARestoreOfAllFreezesAndGivesEverythingBack) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    host->guests["b"] = make_guest("beta", 2, 200 * mib, 1);
    const std::vector<int> all = host->affinity_of("a", 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    run(2);
    orders.add(OrderedRestore{std::nullopt, "root"});
    run(1);
    EXPECT_NE(ticks.back().frozen, "");
    for (const char* uuid : {"a", "b"})
        EXPECT_EQ(host->affinity_of(uuid, 0), all) << uuid;
    std::filesystem::remove(directory.path("freeze"));
    run(5);
    EXPECT_EQ(host->affinity_of("a", 0), all) << "it is left alone after a thaw, too";
    EXPECT_TRUE(controller->undo_pins().value().empty());
}

TEST_F(OrdersInLoop, ARestoreThatFailsIsTriedAgain) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    const std::vector<int> all = host->affinity_of("a", 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    host->fail_affinity = [](const auto&) { return EAGAIN; };
    orders.add(OrderedRestore{"a", "root"});
    run(2);
    EXPECT_TRUE(news().empty());
    host->fail_affinity = [](const auto&) { return 0; };
    run(1);
    EXPECT_EQ(news().back().stage, Stage::done);
    EXPECT_EQ(host->affinity_of("a", 0), all);
}

TEST_F(OrdersInLoop, ATickHasThePolicyInForceAndTheInterval) {
    config.policy.defaults.priority = 3;
    config.interval = std::chrono::seconds(3);
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    EXPECT_EQ(run(1).policy.defaults.priority, 3);
    EXPECT_EQ(ticks.back().interval, std::chrono::seconds(3));
}

}  // namespace
}  // namespace vnuma::control
