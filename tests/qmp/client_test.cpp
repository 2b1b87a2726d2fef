#include "qmp/client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <map>

#include "qmp/commands.hpp"
#include "server.hpp"

namespace vnuma::qmp {
namespace {

using namespace std::chrono_literals;
using boost::system::system_error;
using nlohmann::json;

constexpr auto refusal_of = [](const json& request) {
    const json error = {{"class", "CommandNotFound"}, {"desc", "no such"}};
    return json{{"error", error}, {"id", request["id"]}}.dump() + "\n";
};

TEST_F(ClientTest, ExecutesACommandAfterNegotiation) {
    json answer;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            const json request = co_await server.receive();
            EXPECT_EQ(request["execute"], "query-status");
            co_await server.answer(request, "fine");
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            answer = co_await client.execute("query-status", nullptr, plenty);
        });
    EXPECT_EQ(answer, "fine");
}

TEST_F(ClientTest, KnowsTheProcessThatListens) {
    Peer peer;
    run([](Server& server) -> asio::awaitable<void> { co_await server.greet(); },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            peer = client.peer();
        });
    EXPECT_EQ(peer.pid, ::getpid());
    EXPECT_EQ(peer.uid, ::getuid());
    EXPECT_EQ(peer.gid, ::getgid());
}

TEST_F(ClientTest, ATypedCommandReturnsItsReply) {
    Status status;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            const json request = co_await server.receive();
            EXPECT_FALSE(request.contains("arguments"));
            const json value = {{"status", "paused"}, {"running", false}};
            co_await server.answer(request, value);
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            status = co_await client.execute(query_status(), plenty);
        });
    EXPECT_EQ(status.status, "paused");
}

TEST_F(ClientTest, AnUnexpectedAnswerLeavesTheConnectionUsable) {
    std::string what;
    Status status;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            json request = co_await server.receive();
            co_await server.answer(request, "an explanation\r\nmore");
            request = co_await server.receive();
            const json value = {{"status", "paused"}, {"running", false}};
            co_await server.answer(request, value);
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            try {
                co_await client.execute(query_cpus_fast(), plenty);
            } catch (const ProtocolError& error) {
                what = error.what();
            }
            status = co_await client.execute(query_status(), plenty);
        });
    EXPECT_EQ(what, path_ + ": query-cpus-fast: unexpected answer: an explanation");
    EXPECT_EQ(status.status, "paused");
}

TEST_F(ClientTest, ARefusedCommandLeavesTheConnectionUsable) {
    std::string command, error_class, description;
    json answer;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            json request = co_await server.receive();
            co_await server.send(refusal_of(request));
            request = co_await server.receive();
            co_await server.answer(request, 1);
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            try {
                co_await client.execute("nonsense", nullptr, plenty);
            } catch (const CommandError& error) {
                command = error.command;
                error_class = error.error_class;
                description = error.description;
            }
            answer = co_await client.execute("other", nullptr, plenty);
        });
    EXPECT_EQ(command, "nonsense");
    EXPECT_EQ(error_class, "CommandNotFound");
    EXPECT_EQ(description, "no such");
    EXPECT_EQ(answer, 1);
}

TEST_F(ClientTest, AnAbandonedRequestsLateAnswerIsDropped) {
    bool timed_out = false;
    json answer;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            const json slow = co_await server.receive();
            const json quick = co_await server.receive();
            co_await server.answer(slow, "late");
            co_await server.answer(quick, "in time");
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            try {
                co_await client.execute("slow", nullptr, 1ms);
            } catch (const Timeout&) {
                timed_out = true;
            }
            EXPECT_EQ(client.in_flight(), 1U);
            answer = co_await client.execute("quick", nullptr, plenty);
            EXPECT_EQ(client.in_flight(), 0U);
            EXPECT_EQ(client.stray_answers().late, 1U);
        });
    EXPECT_TRUE(timed_out);
    EXPECT_EQ(answer, "in time");
}

TEST_F(ClientTest, ManyRequestsAreInFlightAtOnce) {
    int sum = 0;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            // Answers only after all requests have arrived; the request of the coroutine that waits
            // is answered last.
            std::map<int, json, std::greater<>> by_value;
            while (by_value.size() < max_in_flight) {
                const json request = co_await server.receive();
                by_value[request["arguments"]["value"].get<int>()] = request;
            }
            for (const auto& [value, request] : by_value)
                co_await server.answer(request, value);
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            auto executor = co_await asio::this_coro::executor;
            for (int i = 1; i < static_cast<int>(max_in_flight); ++i)
                asio::co_spawn(
                    executor, client.execute("sum", {{"value", i}}, plenty),
                    [&sum](std::exception_ptr, const json& value) { sum += value.get<int>(); });
            const json arguments = {{"value", 0}};
            co_await client.execute("sum", arguments, plenty);
        });
    EXPECT_EQ(sum, 63 * 64 / 2);
}

TEST_F(ClientTest, ACancelledRequestEndsAtOnceAndIsAbandoned) {
    boost::system::error_code ended;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            const json slow = co_await server.receive();
            json request = co_await server.receive();
            co_await server.answer(request, 1);
            request = co_await server.receive();  // was sent after the cancellation
            co_await server.answer(slow, "late");
            co_await server.answer(request, 2);
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            asio::cancellation_signal signal;
            auto finish = [&ended](std::exception_ptr thrown, const json&) {
                try {
                    if (thrown) std::rethrow_exception(thrown);
                } catch (const system_error& error) {
                    ended = error.code();
                }
            };
            auto executor = co_await asio::this_coro::executor;
            asio::co_spawn(executor, client.execute("slow", nullptr, 1h),
                           asio::bind_cancellation_slot(signal.slot(), finish));
            co_await client.execute("quick", nullptr, plenty);
            EXPECT_EQ(client.in_flight(), 1U);
            signal.emit(asio::cancellation_type::terminal);
            co_await client.execute("again", nullptr, plenty);
            EXPECT_EQ(ended, asio::error::operation_aborted);
            EXPECT_EQ(client.in_flight(), 0U);
            EXPECT_EQ(client.stray_answers().late, 1U);
        });
    EXPECT_EQ(ended, asio::error::operation_aborted);
}

TEST_F(ClientTest, ACancelledWaitForAnEventEndsAtOnce) {
    boost::system::error_code ended;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            const json request = co_await server.receive();
            co_await server.answer(request, 1);
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            asio::cancellation_signal signal;
            auto finish = [&ended](std::exception_ptr thrown, const Event&) {
                try {
                    if (thrown) std::rethrow_exception(thrown);
                } catch (const system_error& error) {
                    ended = error.code();
                }
            };
            auto executor = co_await asio::this_coro::executor;
            asio::co_spawn(executor, client.next_event(),
                           asio::bind_cancellation_slot(signal.slot(), finish));
            auto emit = [&signal] { signal.emit(asio::cancellation_type::terminal); };
            asio::post(executor, emit);
            co_await client.execute("quick", nullptr, plenty);
        });
    EXPECT_EQ(ended, asio::error::operation_aborted);
}

TEST_F(ClientTest, ARequestAboveTheLimitIsBusyAndIsNotSent) {
    std::string what;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            json last;
            for (std::size_t i = 0; i < max_in_flight; ++i)
                last = co_await server.receive();
            co_await server.send("{\"event\": \"FULL\"}\n");
            co_await server.answer(last, 1);
            co_await server.send("{\"event\": \"ONE_LESS\"}\n");
            const json next = co_await server.receive();
            EXPECT_EQ(next["execute"], "after");
            co_await server.answer(next, 2);
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            auto executor = co_await asio::this_coro::executor;
            // They are abandoned at once, but abandoned requests count, too.
            for (std::size_t i = 0; i < max_in_flight; ++i)
                asio::co_spawn(executor, client.execute("hang", nullptr, 0s),
                               [](std::exception_ptr, const json&) {});
            while (client.in_flight() < max_in_flight)
                co_await asio::post(executor, asio::use_awaitable);
            try {
                co_await client.execute("one too many", nullptr, plenty);
            } catch (const Busy& error) {
                what = error.what();
            }
            co_await client.next_event();
            co_await client.next_event();
            co_await client.execute("after", nullptr, plenty);
            EXPECT_EQ(client.in_flight(), max_in_flight - 1);
        });
    EXPECT_EQ(what, path_ + ": one too many was not sent: 64 requests have no answer yet");
}

TEST_F(ClientTest, EventsArriveInOrderAndThoseAboveTheLimitAreCounted) {
    std::vector<std::string> names;
    std::uint64_t dropped = 0;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            std::string flood;
            for (std::size_t i = 0; i < max_queued_events + 10; ++i)
                flood += R"({"event": "E)" + std::to_string(i) + "\"}\n";
            co_await server.send(flood);
            const json request = co_await server.receive();
            co_await server.answer(request, 0);
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            co_await client.execute("after-the-flood", nullptr, plenty);
            dropped = client.dropped_events();
            for (int i = 0; i < 2; ++i) {
                const Event event = co_await client.next_event();
                names.push_back(event.name);
            }
        });
    EXPECT_EQ(names, (std::vector<std::string>{"E0", "E1"}));
    EXPECT_EQ(dropped, 10U);
}

std::string event_of(std::size_t bytes) {
    return R"({"event": "FLOOD", "data": ")" + std::string(bytes, 'x') + "\"}\n";
}

TEST_F(ClientTest, EventsAreNotQueuedBeyondTheLimitOfTheirMemory) {
    std::size_t received = 0;
    std::uint64_t dropped = 0;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            for (int i = 0; i < 5; ++i)
                co_await server.send(event_of(max_queued_event_bytes / 16));
            const json request = co_await server.receive();
            co_await server.answer(request, 0);
            co_await server.send(event_of(1));
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            co_await client.execute("after-the-flood", nullptr, plenty);
            dropped = client.dropped_events();
            while (received < 6 - dropped) {
                co_await client.next_event();
                ++received;
            }
        });
    EXPECT_EQ(dropped, 2U) << "parsing a text takes four times its length";
    EXPECT_EQ(received, 4U) << "there is room again when events have been taken";
}

TEST_F(ClientTest, EventsThatNobodyWantsTakeNoMemoryHoweverManyArrive) {
    const auto budget = std::make_shared<MemoryBudget>(1024 * 1024);
    reception = {.budget = budget};
    std::uint64_t dropped = 0;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            const std::string event = event_of(64 * 1024);
            for (int i = 0; i < 300; ++i)
                co_await server.send(event);
            const json request = co_await server.receive();
            co_await server.answer(request, 0);
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            co_await client.execute("after-the-flood", nullptr, plenty);
            dropped = client.dropped_events();
            EXPECT_EQ(budget->used(), 0U);
        });
    EXPECT_EQ(dropped, 0U);
}

TEST_F(ClientTest, APeerThatTakesMoreMemoryThanIsLeftForAllIsDisconnected) {
    const auto budget = std::make_shared<MemoryBudget>(4 * 1024 * 1024);
    reception = {.budget = budget};
    MemoryShare others(budget);
    ASSERT_TRUE(others.resize(2 * 1024 * 1024));
    const auto ended = run_to<ProtocolError>(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            const json request = co_await server.receive();
            co_await server.answer(request, std::string(1024 * 1024, 'x'));
        },
        [](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            co_await client.execute("big", nullptr, plenty);
        });
    EXPECT_EQ(ended.what(), path_ +
                                ": disconnected: its messages take more memory than is left of "
                                "the 4 MiB for all QMP connections");
    EXPECT_EQ(budget->used(), others.bytes());
}

}  // namespace
}  // namespace vnuma::qmp
