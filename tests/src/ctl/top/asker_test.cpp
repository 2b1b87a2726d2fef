#include "src/ctl/top/asker.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <future>

#include "src/control/protocol/json.hpp"
#include "tests/src/ctl/fake_server.hpp"
#include "tests/src/ctl/replies.hpp"

namespace vnuma::ctl::top {
namespace {

using test::FakeDaemon;
using test::FakeServer;

// The next reply, which must come.
Reply wait_for_reply(Asker& asker) {
    constexpr int patience_ms = 10'000;
    while (true) {
        if (auto reply = asker.next()) return std::move(*reply);
        pollfd ready{asker.descriptor(), POLLIN, 0};
        if (::poll(&ready, 1, patience_ms) <= 0) {
            ADD_FAILURE() << "no reply";
            return Failure{};
        }
    }
}

nlohmann::json status_as_json() {
    return nlohmann::json(control::to_json(test::a_status()));
}

TEST(TopAsker, AsksOneAfterTheOtherInTheirOrder) {
    FakeDaemon daemon(
        {{"query-status", status_as_json()}, {"freeze", {{"what", "vnumad is frozen"}}}});
    Connection connection({daemon.path()});
    Asker asker(connection);
    asker.add({Ask::freeze});
    asker.add({Ask::status});
    const Reply first = wait_for_reply(asker), second = wait_for_reply(asker);
    EXPECT_EQ(std::get<control::Done>(first).what, "vnumad is frozen");
    EXPECT_EQ(std::get<control::Status>(second).pid, 812);
    EXPECT_FALSE(asker.next());
    EXPECT_EQ(asker.descriptor(), -1) << "nothing is asked any more";
}

TEST(TopAsker, WhatWaitsAlreadyIsNotAskedTwice) {
    FakeDaemon daemon({{"query-status", status_as_json()}});
    Connection connection({daemon.path()});
    Asker asker(connection);
    for (int i = 0; i < 5; ++i)
        asker.add({Ask::status});
    wait_for_reply(asker);
    EXPECT_FALSE(asker.next());
    EXPECT_EQ(daemon.requests("query-status").size(), 1u);
}

TEST(TopAsker, OrdersHaveTheirArguments) {
    FakeDaemon daemon({});
    Connection connection({daemon.path()});
    Asker asker(connection);
    asker.add({Ask::set_policy, "u-1", 0, {"home", "1"}});
    asker.add({Ask::unset_policy, "u-1", 0, {"mode", ""}});
    const Reply refused = wait_for_reply(asker);
    wait_for_reply(asker);
    EXPECT_EQ(std::get<Failure>(refused).ask, Ask::set_policy);
    EXPECT_FALSE(std::get<Failure>(refused).gone);
    const nlohmann::json set = daemon.requests("set-policy").at(0);
    EXPECT_EQ(set.at("guest"), "u-1");
    EXPECT_NE(set.dump().find(R"("home")"), std::string::npos) << set;
    const nlohmann::json unset = daemon.requests("unset-policy").at(0);
    EXPECT_NE(unset.dump().find(R"(["mode"])"), std::string::npos) << unset;
}

TEST(TopAsker, ADaemonThatDoesNotAnswerHoldsNobodyUp) {
    std::promise<void> done;
    FakeServer server([&](auto& peer) {
        peer.negotiate();
        const auto request = peer.request();
        done.get_future().wait();
        peer.answer(request, status_as_json());
        peer.receive();
    });
    Connection connection = server.connect();
    Asker asker(connection);
    asker.add({Ask::status});
    const auto begin = Asker::Clock::now();
    EXPECT_FALSE(asker.next());
    EXPECT_FALSE(asker.next());
    EXPECT_GT(asker.unanswered(begin + std::chrono::hours(1)), std::chrono::minutes(59));
    done.set_value();
    EXPECT_TRUE(std::holds_alternative<control::Status>(wait_for_reply(asker)));
    EXPECT_EQ(asker.unanswered(begin + std::chrono::hours(1)).count(), 0);
}

TEST(TopAsker, WithoutADaemonAllThatWaitsIsDropped) {
    const test::TemporaryDirectory directory;
    Connection connection({directory.path("control.sock")});
    Asker asker(connection);
    asker.add({Ask::status});
    asker.add({Ask::guests});
    const auto reply = asker.next();
    ASSERT_TRUE(reply);
    EXPECT_TRUE(std::get<Failure>(*reply).gone);
    EXPECT_FALSE(asker.next());
}

TEST(TopAsker, AReplyThatMakesNoSenseIsToldAndNoMore) {
    FakeDaemon daemon({{"query-status", {{"version", 7}}}});
    Connection connection({daemon.path()});
    Asker asker(connection);
    asker.add({Ask::status});
    const auto failure = std::get<Failure>(wait_for_reply(asker));
    EXPECT_FALSE(failure.gone);
    EXPECT_NE(failure.description.find("another version"), std::string::npos);
}

}  // namespace
}  // namespace vnuma::ctl::top
