// The loop on a host that runs out of something, stops it, sets its clock, or has many guests at
// once.
#include <new>

#include "tests/src/loop.hpp"

namespace vnuma {
namespace {

using namespace test;

class FaultsTest : public Loop {
  protected:
    // A part of its memory is on the other node, and comes home for some ticks.
    void add_guest(const std::string& uuid = "a", Bytes bytes = 400 * mib) {
        host->guests[uuid] = make_guest("guest-" + uuid, 2, bytes, 0);
        std::vector<int>& nodes = host->guests[uuid].cells[0].chunk_nodes;
        std::fill_n(nodes.begin(), nodes.size() * 2 / 5, 1);
        owners_choice = host->affinity_of(uuid, 0);
    }
    void expect_owners_choice(const std::string& uuid = "a") {
        for (const int vcpu : {0, 1})
            EXPECT_EQ(host->affinity_of(uuid, vcpu), owners_choice) << uuid << " " << vcpu;
        EXPECT_TRUE(journal.entries().empty());
    }

    std::vector<int> owners_choice;
};

// A guest that cannot be listed while nothing can be opened is not taken for one that has ended.
TEST_F(FaultsTest, AProcessWithoutFreeDescriptorsForgetsNoPin) {
    add_guest();
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    const FakeGuest guest = host->guests.at("a");
    host->guests.clear();
    host->why_unreadable = EMFILE;
    run(3);
    host->guests["a"] = guest;
    host->why_unreadable = 0;
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    controller->undo_pins();
    expect_owners_choice();
}

class OutOfMemory : public FaultsTest, public ::testing::WithParamInterface<int> {};

// vnumad ends, as main() catches it, and puts its pins back on its way out.
TEST_P(OutOfMemory, EndsTheLoopAndPinsArePutBack) {
    add_guest();
    config.planner.pace = 16 * mib;
    const auto fail = [] { throw std::bad_alloc(); };
    std::size_t pins = 0;
    switch (GetParam()) {
        case 0:
            ASSERT_TRUE(reaches(Reason::settling, "a"));
            host->on_list = fail;
            break;
        case 1:
            ASSERT_TRUE(reaches(Reason::settling, "a"));
            host->on_sample = fail;
            break;
        case 2:
            ASSERT_TRUE(reaches(Reason::settling, "a"));
            host->fail_move = [&](int) -> int { throw std::bad_alloc(); };
            break;
        default:
            host->fail_affinity = [&](const auto&) -> int {
                return ++pins == 2 ? throw std::bad_alloc() : 0;
            };
    }
    EXPECT_THROW(run(5), std::bad_alloc);
    EXPECT_NE(host->affinity_of("a", 0), owners_choice);
    host->fail_affinity = [](const auto&) { return 0; };
    controller->undo_pins();
    expect_owners_choice();
}

const char* const places[]{"InTheList", "InTheSample", "InAMove", "InAPin"};

INSTANTIATE_TEST_SUITE_P(Everywhere, OutOfMemory, ::testing::Range(0, 4),
                         [](const auto& info) { return std::string(places[info.param]); });

class StoppedForAMinute : public FaultsTest {
  protected:
    StoppedForAMinute() {
        config.planner.pace = 16 * mib;  // so that the move lasts for some ticks
        add_guest();
    }
    // A function that lets a minute pass when it is called for the first time.
    auto stop_once() {
        return [this, stopped = false]() mutable {
            if (!std::exchange(stopped, true)) clock.pass(1min);
        };
    }
    std::size_t calls() const { return host->affinity_calls + host->move_calls; }
};

TEST_F(StoppedForAMinute, NothingActsOnWhatWasReadBefore) {
    host->on_sample = stop_once();
    run(1);
    EXPECT_EQ(calls(), 0U);
    ASSERT_TRUE(reaches(Reason::settling, "a"));
    host->on_sample = stop_once();
    const std::size_t before = calls();
    run(1);
    EXPECT_EQ(calls(), before);
    ASSERT_FALSE(ticks.back().results.empty());
    EXPECT_EQ(ticks.back().results[0].skipped,
              "the guest was read 60000 ms ago, and nothing acts on what is older than 2 s");
    EXPECT_TRUE(reaches(Reason::settled, "a"));
}

TEST_F(StoppedForAMinute, TheMoveThatWasUnderWayGoesOnInTheNextTick) {
    ASSERT_TRUE(reaches(Reason::settling, "a"));
    host->fail_move = [stop = stop_once()](int) mutable {
        stop();
        return 0;
    };
    const std::size_t before = host->move_calls;
    run(1);
    EXPECT_EQ(host->move_calls, before + 1) << "the tick is over";
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_EQ(host->memory_on("a", 1), 0);
}

TEST_F(StoppedForAMinute, TicksThatWereMissedAreNotMadeUpFor) {
    std::vector<Clock::Time> begins;
    host->on_list = [&] { begins.push_back(clock.now()); };
    host->on_sample = stop_once();
    run(6);
    EXPECT_GE(begins[1] - begins[0], 1min);
    for (std::size_t i = 2; i < begins.size(); ++i)
        EXPECT_GE(begins[i] - begins[i - 1], config.interval) << i;
}

// What is planned and done does not depend on the time of day.
TEST_F(FaultsTest, AClockThatIsSetBackAndForthChangesNothing) {
    config.planner.pace = 16 * mib;
    const auto actions = [&](bool sets_clock) {
        controller.reset();
        ticks.clear();
        make_host(2, 4, 1024 * mib);
        add_guest();
        std::vector<std::vector<Action>> planned;
        for (int i = 0; i < 12; ++i) {
            if (sets_clock) clock.wall_offset = std::chrono::hours(i % 2 == 0 ? -100'000 : 100'000);
            planned.push_back(run(1).plan.actions);
        }
        EXPECT_EQ(host->memory_on("a", 1), 0);
        controller->undo_pins();
        return planned;
    };
    const auto expected = actions(false);
    EXPECT_FALSE(expected[1].empty());
    EXPECT_EQ(actions(true), expected);
}

TEST_F(FaultsTest, TwoHundredGuestsThatArriveAtOnceAllGetAHomeAndAllOfItIsUndone) {
    constexpr int guests = 200;
    make_host(2, 256, 64 * 1024 * mib);
    run(1);
    for (int i = 0; i < guests; ++i)
        add_guest("u-" + std::to_string(i), 20 * mib);
    const auto settled = [&] {
        const auto& verdicts = ticks.back().plan.verdicts;
        return verdicts.size() == guests &&
               std::all_of(verdicts.begin(), verdicts.end(),
                           [](const Verdict& one) { return one.reason == Reason::settled; });
    };
    for (int i = 0; i < 200 && !settled(); ++i)
        run(1);
    EXPECT_TRUE(settled());
    for (const auto& [uuid, guest] : host->guests) {
        const auto home = verdict(ticks.back(), uuid).home_node();
        ASSERT_TRUE(home.has_value()) << uuid;
        EXPECT_EQ(host->affinity_of(uuid, 1), host->host.cpus[*home]) << uuid;
        EXPECT_EQ(host->memory_on(uuid, static_cast<int>(1 - *home)), 0) << uuid;
    }
    controller->undo_pins();
    for (const auto& [uuid, guest] : host->guests)
        expect_owners_choice(uuid);
}

}  // namespace
}  // namespace vnuma
