#include <gtest/gtest.h>

#include "server.hpp"

namespace vnuma::qmp {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// Sends one request after the greeting.
asio::awaitable<void> ask(Client& client) {
    co_await client.negotiate(plenty);
    co_await client.execute("anything", nullptr, plenty);
}

TEST_F(ClientTest, AMissingSocketIsAConnectionError) {
    asio::io_context context;
    Client client(context.get_executor());
    for (const std::string& path : {std::string("/nonexistent/qmp"), std::string(500, 'x')}) {
        std::exception_ptr thrown;
        asio::co_spawn(context, client.connect(path),
                       [&](std::exception_ptr error) { thrown = error; });
        context.run();
        context.restart();
        try {
            std::rethrow_exception(thrown);
        } catch (const ConnectionError& error) {
            EXPECT_EQ(error.socket, path);
            EXPECT_TRUE(error.cause);
        }
    }
}

TEST_F(ClientTest, TheEndOfAConnectionEndsRequestsInFlight) {
    const auto ended = run_to<ConnectionError>(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            co_await server.receive();
            server.close();
        },
        ask);
    EXPECT_EQ(ended.socket, path_);
    EXPECT_EQ(ended.cause, asio::error::eof);
}

TEST_F(ClientTest, TheErrorSaysThatAPeerClosedInTheMiddleOfAMessage) {
    const auto ended = run_to<ConnectionError>(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            co_await server.receive();
            co_await server.send("{\"return\": ");
            server.close();
        },
        ask);
    EXPECT_EQ(ended.what(), path_ + ": End of file in the middle of a message");
}

TEST_F(ClientTest, TheErrorSaysThatAPeerDoesNotSpeakQmp) {
    const auto ended = run_to<ProtocolError>(
        [](Server& server) -> asio::awaitable<void> { co_await server.send("HTTP/1.1 400\n"); },
        ask);
    EXPECT_EQ(ended.what(), path_ + ": the peer does not speak QMP: a message is not JSON");
}

TEST_F(ClientTest, AMessageThatIsNotJsonEndsARequestInFlight) {
    run_to<ProtocolError>(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            co_await server.receive();
            co_await server.send(std::string("\0\xff\n", 3));
        },
        ask);
}

TEST_F(ClientTest, ALineLongerThanTheLimitEndsTheConnection) {
    const auto ended = run_to<ProtocolError>(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            co_await server.receive();
            co_await server.send(std::string(max_line_bytes + 1, 'x'));
        },
        ask);
    EXPECT_EQ(ended.what(),
              path_ + ": the peer does not speak QMP: a line is longer than 10485760 bytes");
}

TEST_F(ClientTest, AReplyAsLongAsTheLimitArrives) {
    std::size_t size = 0;
    constexpr std::size_t text_bytes = max_line_bytes - 40;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            const json request = co_await server.receive();
            co_await server.answer(request, std::string(text_bytes, 'x'));
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            const json value = co_await client.execute("big", nullptr, plenty);
            size = value.get_ref<const std::string&>().size();
        });
    EXPECT_EQ(size, text_bytes);
}

TEST_F(ClientTest, AGreetingThatNeverComesIsATimeout) {
    const auto ended = run_to<Timeout>(
        [](Server& server) -> asio::awaitable<void> { co_await server.receive(); },
        [](Client& client) -> asio::awaitable<void> { co_await client.negotiate(1ms); });
    EXPECT_NE(std::string(ended.what()).find("no QMP greeting within 1 ms"), std::string::npos);
}

TEST_F(ClientTest, ASecondClientIsNotGreetedAndDoesNotDisturbTheFirst) {
    bool second_timed_out = false;
    json answer;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            const json request = co_await server.receive();
            co_await server.answer(request, 1);
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            Client second(co_await asio::this_coro::executor);
            co_await second.connect(path_);
            try {
                co_await second.run_while(second.negotiate(1ms));
            } catch (const Timeout&) {
                second_timed_out = true;
            }
            answer = co_await client.execute("anything", nullptr, plenty);
        });
    EXPECT_TRUE(second_timed_out);
    EXPECT_EQ(answer, 1);
}

TEST_F(ClientTest, StrayAnswersAreCountedAndDropped) {
    StrayAnswers strays;
    run(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            const json request = co_await server.receive();
            co_await server.send(
                "{\"return\": 1}\r\n{\"return\": 2, \"id\": 99}\r\n"
                "{\"return\": 3, \"id\": 1}\r\n");
            co_await server.answer(request, "right");
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            const json value = co_await client.execute("anything", nullptr, plenty);
            EXPECT_EQ(value, "right");
            strays = client.stray_answers();
        });
    EXPECT_EQ(strays.without_id, 1U);
    EXPECT_EQ(strays.unknown, 1U);
    EXPECT_EQ(strays.duplicate, 1U);
    EXPECT_EQ(strays.late, 0U);
}

TEST_F(ClientTest, EventsThatThePeerSentBeforeItClosedAreDelivered) {
    std::string last;
    run_to<ConnectionError>(
        [](Server& server) -> asio::awaitable<void> {
            co_await server.greet();
            co_await server.send("{\"event\": \"SHUTDOWN\"}\n");
            server.close();
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            while (true) {
                const Event event = co_await client.next_event();
                last = event.name;
            }
        });
    EXPECT_EQ(last, "SHUTDOWN");
}

TEST_F(ClientTest, CallsOfAClosedClientThrowItsError) {
    const auto ended = run_to<ConnectionError>(
        [](Server& server) -> asio::awaitable<void> { co_await server.greet(); },
        [](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(plenty);
            client.close();
            co_await client.execute("anything", nullptr, plenty);
        });
    EXPECT_EQ(ended.cause, asio::error::operation_aborted);
}

TEST_F(ClientTest, AnIoContextMayBeDestroyedWhileRequestsAreInFlight) {
    std::filesystem::remove(path_);
    {
        asio::io_context context;
        Stream::acceptor acceptor(context, Stream::endpoint(path_));
        Client client(context.get_executor());
        auto work = [](Client& in_use, std::string path) -> asio::awaitable<void> {
            co_await in_use.connect(path);
            co_await in_use.run_while(in_use.execute("never answered", nullptr, 1h));
        };
        asio::co_spawn(context, work(client, path_), [](std::exception_ptr) {});
        while (client.in_flight() == 0 && context.run_one() > 0) {
        }
        EXPECT_EQ(client.in_flight(), 1U);
    }
    std::filesystem::remove(path_);
}

}  // namespace
}  // namespace vnuma::qmp
