#include "src/act/memory_moves.hpp"

#include "tests/src/loop.hpp"

namespace vnuma {
namespace {

using namespace test;

class MemoryMovesTest : public Loop {
  protected:
    // A guest whose home is node 0, and some of whose chunks are on node 1.
    FakeGuest::Cell& add_guest(Bytes bytes, std::size_t away, const char* uuid = "a") {
        host->guests[uuid] = make_guest(uuid, 2, bytes, 0);
        FakeGuest::Cell& cell = host->guests[uuid].cells[0];
        for (std::size_t i = 0; i < away; ++i)
            cell.chunk_nodes[i] = 1;
        return cell;
    }
    // What became of the guest's move in the last tick; null if there was none.
    const ActionResult* move_result() const {
        for (const ActionResult& result : ticks.back().results)
            if (std::holds_alternative<MoveMemory>(result.action)) return &result;
        return nullptr;
    }
    // The first tick, out of so many, with an error of a move.
    std::string first_error(std::size_t most) {
        for (std::size_t i = 0; i < most; ++i) {
            run(1);
            if (move_result() && !move_result()->error.empty()) return move_result()->error;
        }
        return "";
    }
};

// A guest of 256 MiB once took 143,932 failed attempts in 90 s.
TEST_F(MemoryMovesTest, HeldMemoryIsTriedRarelyAndTheRestComesHome) {
    FakeGuest::Cell& cell = add_guest(256 * mib, 60);
    for (std::size_t i = 0; i < 30; ++i)  // it comes first
        cell.held.insert(i);
    run(4);
    EXPECT_EQ(host->memory_on("a", 1), 60 * mib) << "what can move has moved";
    run(41);
    EXPECT_LT(host->refused_pages, 30U * 8) << "in 90 s";
    EXPECT_GT(host->refused_pages, 30U) << "it was tried again";
    cell.held.clear();
    run(400);
    EXPECT_EQ(host->memory_on("a", 1), 0) << "and once nothing holds it, it comes";
}

TEST_F(MemoryMovesTest, TheErrorTellsHowMuchIsHeldAndForHowLongItIsLeftAlone) {
    FakeGuest::Cell& cell = add_guest(256 * mib, 30);
    for (std::size_t i = 0; i < 30; ++i)
        cell.held.insert(i);
    const std::string error = first_error(3);
    EXPECT_TRUE(error.starts_with("pages in 60 MiB did not move: a device or another process"))
        << error;
    EXPECT_TRUE(error.ends_with("they are left alone for 2 s or more")) << error;
}

TEST_F(MemoryMovesTest, AttemptsAreChargedToTheRateAsIfTheyHadMoved) {
    config.planner.pace = 16 * mib;
    FakeGuest::Cell& cell = add_guest(256 * mib, 60);
    for (std::size_t i = 0; i < 60; ++i)
        cell.held.insert(i);
    run(2);
    EXPECT_LE(host->refused_pages, 16U + 16) << "2 s at 16 MiB a second, and one call";
    EXPECT_GT(host->refused_pages, 8U);
}

TEST_F(MemoryMovesTest, WhatFailedInOneProcessIsTriedAtOnceInAnother) {
    FakeGuest::Cell& cell = add_guest(256 * mib, 30);
    for (std::size_t i = 0; i < 30; ++i)
        cell.held.insert(i);
    ASSERT_NE(first_error(3), "");
    const std::size_t before = host->refused_pages;
    const FakeGuest guest = host->guests["a"];
    host->guests.clear();
    run(1);
    host->guests["a"] = guest;
    ASSERT_NE(first_error(4), "");
    EXPECT_EQ(host->refused_pages, before + 30);
}

TEST_F(MemoryMovesTest, OrdinaryMemoryStopsAtTheWatermarkBesideHugePagesThatHaveRoom) {
    FakeGuest::Cell& cell = add_guest(400 * mib, 100);
    cell.hugetlb_from = 50;
    host->pools = {800 * mib, 800 * mib};
    host->high_watermark = 10 * mib;
    host->used_by_others[0] = 1024 * mib - 20 * mib - 30 * mib;  // room for 30 MiB
    ASSERT_EQ(first_error(3), "node 0 is near the kernel's high watermark");
    const auto away = [&](std::size_t from, std::size_t to) {
        return std::count(cell.chunk_nodes.begin() + static_cast<long>(from),
                          cell.chunk_nodes.begin() + static_cast<long>(to), 1);
    };
    EXPECT_EQ(away(0, 50), 35) << "to the last page that fits";
    EXPECT_EQ(away(50, 100), 0);
}

TEST_F(MemoryMovesTest, HugePagesThatOthersHaveReservedAreLeftToThem) {
    FakeGuest::Cell& cell = add_guest(400 * mib, 100);
    cell.hugetlb_from = 0;
    host->pools = {440 * mib, 300 * mib};
    host->reserved = 100 * mib;
    ASSERT_EQ(first_error(3), "node 0 has no free page of 2048 KiB that is not reserved");
    EXPECT_EQ(host->memory_on("a", 0), 340 * mib);
}

TEST_F(MemoryMovesTest, APageOf1GiBIsOneCallAndMovesOnlyIfThatMayBeLong) {
    make_host(2, 4, 4096 * mib);
    FakeGuest::Cell& cell = add_guest(3072 * mib, 512);
    cell.hugetlb_from = 0;
    cell.hugetlb_page = 1024 * mib;
    host->pools = {4096 * mib, 4096 * mib};
    host->pool_page = 1024 * mib;
    run(4);
    ASSERT_NE(move_result(), nullptr);
    EXPECT_TRUE(move_result()->skipped.starts_with("a page of 1024 MiB is moved in one call"));
    EXPECT_EQ(move_result()->limits, std::set<std::string>{"memory.call_time"});
    EXPECT_EQ(host->move_calls, 0U);
    config.call_time = 250ms;
    run(4);
    EXPECT_EQ(host->memory_on("a", 1), 0);
    EXPECT_EQ(host->move_calls, 1U);
}

TEST_F(MemoryMovesTest, NothingMovesUnderMemoryPressureAndThenItGoesOn) {
    config.planner.pace = 16 * mib;
    add_guest(256 * mib, 60);
    host->pressure = {500, 0};
    run(3);
    ASSERT_NE(move_result(), nullptr);
    EXPECT_TRUE(move_result()->skipped.starts_with("the host is short of memory: in 50 %"));
    EXPECT_EQ(move_result()->limits, std::set<std::string>{"memory pressure"});
    EXPECT_EQ(host->move_calls, 0U);
    host->pressure = {0, 0};
    run(1);
    EXPECT_GT(host->move_calls, 0U) << "it was no failure, so nothing waits";
}

TEST_F(MemoryMovesTest, AMoveStopsWhenTheHostBeginsToSwap) {
    config.planner.pace = 16 * mib;
    add_guest(256 * mib, 60);
    run(3);
    ASSERT_GT(host->move_calls, 0U);
    host->pressure.swapped_out = 0;
    run(1);
    host->pressure.swapped_out = 1;
    const std::size_t calls = host->move_calls;
    run(4);
    EXPECT_LE(host->move_calls, calls);
    EXPECT_TRUE(move_result()->skipped.starts_with("the host swaps"));
    run(6);
    EXPECT_EQ(host->memory_on("a", 1), 0);
}

TEST_F(MemoryMovesTest, AGuestHasARateOfItsOwnAndHoldsUpNobodyElse) {
    config.guest_rate = 16 * mib;
    for (const char* uuid : {"a", "b"})
        config.policy.guests[uuid].home = {0};
    add_guest(256 * mib, 60);
    add_guest(256 * mib, 60, "b");
    run(2);
    const auto begin = clock.now();
    run(2);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clock.now() - begin);
    for (const char* uuid : {"a", "b"}) {
        const Bytes moved = 120 * mib - host->memory_on(uuid, 1);
        EXPECT_LE(moved, 16 * mib * (seconds.count() + 3)) << uuid;
        EXPECT_GE(moved, 16 * mib * (seconds.count() - 1)) << uuid;
    }
    EXPECT_EQ(move_result()->limits, std::set<std::string>{"memory.guest_rate"});
}

TEST_F(MemoryMovesTest, TheLimitThatHeldAMoveUpIsInItsResult) {
    config.planner.pace = 16 * mib;
    add_guest(256 * mib, 60);
    run(2);
    EXPECT_EQ(move_result()->limits, std::set<std::string>{"memory.rate"});
    config.planner.pace = 1024 * 1024 * mib;
    host->move_time = 15ms;
    run(1);
    EXPECT_EQ(move_result()->limits, (std::set<std::string>{"memory.call_time", "share of time"}));
}

TEST_F(MemoryMovesTest, CallsThatTakeMoreThanFourTimesTheirTimeAreCountedByGuest) {
    config.planner.pace = 16 * mib;
    add_guest(256 * mib, 60);
    host->move_time = 40ms;
    run(2);
    ASSERT_GT(host->move_calls, 0U);
    EXPECT_EQ(ticks.back().moves.at("a").slow_calls, 0U);
    host->move_time = 41ms;
    const std::size_t before = host->move_calls;
    run(1);
    EXPECT_EQ(ticks.back().moves.at("a").slow_calls, host->move_calls - before);
    host->guests.clear();
    EXPECT_TRUE(run(1).moves.empty());
}

// Memory is moved for the rest of the tick, and a guest may begin to migrate in it.
TEST_F(MemoryMovesTest, AGuestWhoseStateChangesDuringTheMoveIsLeftAlone) {
    config.planner.pace = 16 * mib;
    add_guest(256 * mib, 100);
    std::size_t calls_then = 0;
    host->on_read_state = [&] {
        if (host->states_read < 3) return;
        if (host->states_read == 3) calls_then = host->move_calls;
        host->guests["a"].state = RunState::migrating;
    };
    run(2);
    ASSERT_GE(host->states_read, 3U) << "it is read again while memory moves";
    EXPECT_EQ(host->states_read, 3U) << "and what it says holds for the rest of the tick";
    EXPECT_GT(calls_then, 0U);
    EXPECT_EQ(host->move_calls, calls_then);
    EXPECT_GT(host->memory_on("a", 1), 0);
}

TEST_F(MemoryMovesTest, StatesAreReadFiveTimesASecondAtMost) {
    config.planner.pace = 16 * mib;
    add_guest(256 * mib, 100);
    run(2);
    EXPECT_GT(host->states_read, 2U);
    EXPECT_LE(host->states_read, 10U) << "in a tick of 2 s";
}

// The guest runs for one second of CPU time in a second, and each call takes 5 ms.
TEST_F(MemoryMovesTest, AMoveThatIsFeltIsSlower) {
    config.planner.pace = 16 * mib;
    config.call_time = 5ms;
    make_host(2, 4, 4096 * mib);
    add_guest(2048 * mib, 400);
    run(3);
    const auto moved_in_a_tick = [&] {
        const Bytes before = host->memory_on("a", 1);
        run(1);
        return before - host->memory_on("a", 1);
    };
    const Bytes at_full_pace = moved_in_a_tick();
    EXPECT_GE(at_full_pace, 28 * mib);
    host->wait_per_call = 8ms;  // there are four calls of 4 MiB in a second
    run(1);
    EXPECT_EQ(ticks.back().moves.at("a").pace, LatencyGuard::Pace::slower);
    EXPECT_TRUE(move_result()->limits.contains("memory.felt"));
    EXPECT_LT(moved_in_a_tick(), at_full_pace);
}

TEST_F(MemoryMovesTest, AMoveWhosePagesAreWaitedForPauses) {
    config.planner.pace = 16 * mib;
    config.call_time = 5ms;
    make_host(2, 4, 4096 * mib);
    add_guest(2048 * mib, 400);
    host->stalls.emplace();
    run(3);
    host->fail_move = [&](int) {
        host->stalls->total += 100ms;
        return 0;
    };
    run(1);
    EXPECT_EQ(ticks.back().moves.at("a").pace, LatencyGuard::Pace::paused);
}

TEST_F(MemoryMovesTest, AMoveThatHurtsPausesAndStopsUntilTheGuestIsIdle) {
    config.planner.pace = 16 * mib;
    config.policy.defaults.memory = MemoryPolicy::eager;
    config.call_time = 5ms;
    make_host(2, 4, 4096 * mib);
    FakeGuest::Cell& cell = add_guest(2048 * mib, 400);
    run(3);
    host->wait_per_call = 100ms;
    run(1);
    EXPECT_EQ(ticks.back().moves.at("a").pace, LatencyGuard::Pace::paused);
    std::size_t calls = host->move_calls;
    run(4);
    EXPECT_EQ(host->move_calls, calls);
    EXPECT_TRUE(move_result()->skipped.starts_with("its vCPUs wait ")) << move_result()->skipped;
    std::string error = first_error(60);
    EXPECT_TRUE(error.ends_with("the rest stays where it is until the guest is idle")) << error;
    EXPECT_EQ(ticks.back().moves.at("a").pauses, LatencyGuard::most_pauses);
    run(1);
    EXPECT_EQ(verdict(run(1), "a").reason, Reason::retry_later) << "others have their turn";
    calls = host->move_calls;
    run(400);
    EXPECT_EQ(host->move_calls, calls);
    cell.use = 10;
    run(200);
    EXPECT_EQ(host->memory_on("a", 1), 0);
}

}  // namespace
}  // namespace vnuma
