#include "guests/discovery/calls_with_timeout.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using namespace std::chrono_literals;

// A call that returns when the test opens the gate.
class Gate {
  public:
    std::function<int()> call() {
        return [opened = opened_] {
            opened.wait();
            return 1;
        };
    }
    void open() { promise_.set_value(); }

  private:
    std::promise<void> promise_;
    std::shared_future<void> opened_{promise_.get_future()};
};

TEST(CallsWithTimeout, RunReturnsWhatTheCallReturnsAndThrowsWhatItThrows) {
    CallsWithTimeout calls;
    EXPECT_EQ(calls.run(
                  "a", [] { return 7; }, 10s),
              7);
    const auto fail = []() -> int { throw std::runtime_error("no"); };
    EXPECT_THROW(calls.run("a", fail, 10s), std::runtime_error);
    EXPECT_EQ(calls.hung(), 0U);
}

TEST(CallsWithTimeout, ACallThatHangsIsGivenUpAndBlocksOnlyItsKey) {
    CallsWithTimeout calls;
    Gate gate;
    EXPECT_EQ(calls.run("a", gate.call(), 1ms), std::nullopt);
    EXPECT_TRUE(calls.hangs("a"));
    EXPECT_EQ(calls.run(
                  "a", [] { return 7; }, 10s),
              std::nullopt)
        << "no call is made";
    EXPECT_EQ(calls.run(
                  "b", [] { return 8; }, 10s),
              8);
    gate.open();
}

TEST(CallsWithTimeout, AfterACallHasReturnedItsKeyIsFreeAgain) {
    CallsWithTimeout calls;
    Gate gate;
    EXPECT_EQ(calls.run("a", gate.call(), 1ms), std::nullopt);
    gate.open();
    while (calls.hangs("a"))
        std::this_thread::yield();
    EXPECT_EQ(calls.run(
                  "a", [] { return 7; }, 10s),
              7);
}

TEST(CallsWithTimeout, OtherCallsAreMadeWhileFewerThanTheMostHang) {
    CallsWithTimeout calls;
    Gate gate;
    for (std::size_t i = 1; i < CallsWithTimeout::max_at_once; ++i)
        EXPECT_EQ(calls.run(std::to_string(i), gate.call(), 1ms), std::nullopt);
    const auto seven = [] { return 7; };
    EXPECT_EQ(calls.run("one", seven, 10s), 7);
    EXPECT_EQ(calls.run("other", seven, 10s), 7);
    EXPECT_EQ(calls.run("the last", gate.call(), 1ms), std::nullopt);
    EXPECT_EQ(calls.hung(), CallsWithTimeout::max_at_once);
    EXPECT_EQ(calls.run("one more", seven, 10s), std::nullopt);
    gate.open();
}

}  // namespace
}  // namespace vnuma
