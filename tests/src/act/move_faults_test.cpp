// What becomes of a move when calls fail: a table, with the calls of one tick and the reason that
// is told. No fault may be tried again and again within a tick.
#include "src/act/memory_moves.hpp"

#include "tests/src/loop.hpp"

namespace vnuma {
namespace {

using namespace test;

constexpr std::size_t away = 60;  // chunks

struct Fault {
    const char* name;
    void (*begin)(FakeHost&);
    const char* error;  // the beginning; nullptr: none
    std::size_t most_calls = 1;
    bool comes_home = true;  // once the fault is over
};

std::ostream& operator<<(std::ostream& out, const Fault& fault) {
    return out << fault.name;
}

template <int error>
void fail_move(FakeHost& host) {
    host.fail_move = [](int) { return error; };
}

FakeGuest::Cell& cell_of(FakeHost& host) {
    return host.guests.at("a").cells[0];
}

const Fault faults[]{
    {"EPERM", fail_move<EPERM>, "move_pages: Operation not permitted: vnumad needs CAP_SYS_PTRACE"},
    {"ESRCH", fail_move<ESRCH>, "move_pages: No such process: the guest has ended"},
    {"ENODEV", fail_move<ENODEV>, "move_pages: No such device: the node is not online"},
    {"EACCES", fail_move<EACCES>,
     "move_pages: Permission denied: the guest's cpuset does not have the node"},
    {"ENOMEM", fail_move<ENOMEM>,
     "move_pages: Cannot allocate memory: the node or the kernel has no free memory"},
    {"EINTR", fail_move<EINTR>, "move_pages: Interrupted system call"},
    {"AQueryThatFails", [](FakeHost& host) { host.fail_query = [] { return EPERM; }; },
     "move_pages: Operation not permitted", 0},
    {"AQueryThatFailsAfterTheCall",
     [](FakeHost& host) { host.fail_query = [&host] { return host.move_calls > 0 ? ESRCH : 0; }; },
     "move_pages: No such process"},
    // A positive number of pages that did not move, or statuses that nobody wrote: only a query
    // tells what has happened.
    {"NoPageMoves",
     [](FakeHost& host) {
         for (std::size_t i = 0; i < away; ++i)
             cell_of(host).held.insert(i);
     },
     "pages in 120 MiB did not move: a device or another process holds them", away},
    {"SomePagesMove",
     [](FakeHost& host) {
         for (std::size_t i = 0; i < away; i += 2)
             cell_of(host).held.insert(i);
     },
     nullptr, away},
    {"ASlowCall", [](FakeHost& host) { host.move_time = 3s; }, nullptr},
    {"TheNodeFillsUpBefore",
     [](FakeHost& host) {
         host.on_read_available = [&host] { host.used_by_others[0] = 1024 * mib; };
     },
     "node 0 is at its watermark", 0},
    {"TheNodeFillsUpMeanwhile",
     [](FakeHost& host) {
         host.fail_move = [&host](int) {
             host.used_by_others[0] = 1024 * mib;
             return 0;
         };
     },
     "node 0 is at its watermark"},
    {"TheNodeGoesOffline",
     [](FakeHost& host) {
         host.on_read_available = [] { throw HostError("node0/meminfo: cannot be read"); };
     },
     "node0/meminfo: cannot be read", 0},
    {"TheBalloonTakesItMeanwhile",
     [](FakeHost& host) {
         host.fail_move = [&host](int) {
             std::fill_n(cell_of(host).chunk_nodes.begin() + 10, away - 10, -1);
             return 0;
         };
     },
     nullptr, 60},
    {"TheGuestEndsBefore", [](FakeHost& host) { host.kill_before_next_call(); },
     "the guest has ended", 0},
    {"TheGuestEndsMeanwhile",
     [](FakeHost& host) {
         host.fail_move = [&host](int) {
             host.kill_before_next_call();
             return 0;
         };
     },
     "the guest has ended"},
};

class MoveFaultTest : public Loop, public ::testing::WithParamInterface<Fault> {
  protected:
    const ActionResult& move_result() const {
        for (const ActionResult& result : ticks.back().results)
            if (std::holds_alternative<MoveMemory>(result.action)) return result;
        throw std::runtime_error("there was no move");
    }
    void end_fault() {
        host->fail_move = [](int) { return 0; };
        host->fail_query = [] { return 0; };
        host->on_read_available = [] {};
        host->used_by_others = {0, 0};
        host->move_time = 5ms;
        host->revive();
        cell_of(*host).held.clear();
    }
};

TEST_P(MoveFaultTest, EndsWithItsReasonAndWithoutEndlessRetriesAndIsMadeUpForLater) {
    const Fault& fault = GetParam();
    host->guests["a"] = make_guest("alpha", 2, 400 * mib, 0);
    std::fill_n(cell_of(*host).chunk_nodes.begin(), away, 1);
    host->pressure.waiting = 1000;  // the vCPUs are pinned, and the memory waits
    run(3);
    ASSERT_EQ(host->affinity_of("a", 0), host->host.cpus[0]);
    host->pressure = {};
    fault.begin(*host);
    run(1);
    const ActionResult& result = move_result();
    EXPECT_EQ(result.error.find(fault.error ? fault.error : ""), 0U) << result.error;
    EXPECT_EQ(result.error.empty(), fault.error == nullptr);
    EXPECT_EQ(result.skipped, "");
    EXPECT_LE(host->move_calls, fault.most_calls);
    end_fault();
    run(60);
    EXPECT_EQ(host->memory_on("a", 1), 0);
}

INSTANTIATE_TEST_SUITE_P(AllFaults, MoveFaultTest, ::testing::ValuesIn(faults),
                         [](const auto& info) { return std::string(info.param.name); });

class UnansweredQuestionTest : public Loop {};

TEST_F(UnansweredQuestionTest, WhatItsCallHasMovedIsNotTakenForSomebodyElses) {
    host->guests["a"] = make_guest("alpha", 2, 280 * mib, 0);
    std::fill_n(cell_of(*host).chunk_nodes.begin(), away, 1);
    host->move_time = 1ms;
    std::size_t unanswered = 0, after_call = 0;
    host->fail_query = [&] {
        if (host->move_calls == after_call || host->pages_in_last_call < 16) return 0;
        after_call = host->move_calls;
        ++unanswered;
        return EIO;
    };
    run(60);
    EXPECT_GT(unanswered, 0U);
    EXPECT_TRUE(ticks.back().hands_off.empty()) << ticks.back().hands_off.at("a").memory;
    EXPECT_EQ(host->memory_on("a", 1), 0);
}

class SlowCallTest : public Loop {};

TEST_F(SlowCallTest, ASlowCallHalvesTheNextOneAndIsCounted) {
    std::size_t before = 0, after = 0;
    host->guests["a"] = make_guest("alpha", 2, 400 * mib, 0);
    std::fill_n(cell_of(*host).chunk_nodes.begin(), away, 1);
    host->move_time = 1ms;
    host->fail_move = [&](int) {
        host->move_time = host->move_calls == 5 ? 41ms : 1ms;
        if (host->move_calls == 5) before = host->pages_in_last_call;
        if (host->move_calls == 6) after = host->pages_in_last_call;
        return 0;
    };
    run(2);
    EXPECT_GT(before, 4U);
    EXPECT_EQ(after, before / 2);
    EXPECT_EQ(ticks.back().moves.at("a").slow_calls, 1U);
}

}  // namespace
}  // namespace vnuma
