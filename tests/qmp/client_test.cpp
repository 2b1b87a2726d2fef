#include "qmp/client.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <functional>

namespace vnuma::qmp {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Stream = asio::local::stream_protocol;
using nlohmann::json;

constexpr const char* greeting = R"({"QMP": {"version": {}, "capabilities": []}})"
                                 "\n";

// The server's side of one connection, scripted by a test.
class Peer {
  public:
    explicit Peer(Stream::socket socket) : socket_(std::move(socket)) {}

    asio::awaitable<void> send(std::string text) {
        co_await asio::async_write(socket_, asio::buffer(text), asio::use_awaitable);
    }
    asio::awaitable<json> receive() {
        const std::size_t size = co_await asio::async_read_until(
            socket_, asio::dynamic_buffer(input_), '\n', asio::use_awaitable);
        const json request = json::parse(input_.substr(0, size));
        input_.erase(0, size);
        co_return request;
    }
    asio::awaitable<void> greet() {
        co_await send(greeting);
        const json request = co_await receive();
        const std::string reply = json{{"return", json::object()}, {"id", request["id"]}}.dump();
        co_await send(reply + "\n");
    }
    void close() { socket_.close(); }

  private:
    Stream::socket socket_;
    std::string input_;
};

class ClientTest : public ::testing::Test {
  protected:
    using Script = std::function<asio::awaitable<void>(Peer&)>;
    using Work = std::function<asio::awaitable<void>(Client&)>;

    // Runs both ends to the end of `work`; returns what run() ended with, if it ended first.
    std::string run(Script script, Work work) {
        const std::string path = (std::filesystem::temp_directory_path() /
                                  ("vnuma-qmp-test." + std::to_string(::getpid())))
                                     .string();
        std::filesystem::remove(path);
        asio::io_context context;
        Stream::acceptor acceptor(context, Stream::endpoint(path));
        std::string ended;
        std::exception_ptr failure;
        asio::co_spawn(context, serve(acceptor, script), [](std::exception_ptr) {});
        asio::co_spawn(context, use(context, path, work, ended, acceptor),
                       [&](std::exception_ptr thrown) { failure = thrown; });
        context.run_for(10s);
        EXPECT_TRUE(context.stopped()) << "the client hung";
        std::filesystem::remove(path);
        if (failure) std::rethrow_exception(failure);
        return ended;
    }

  private:
    static asio::awaitable<void> serve(Stream::acceptor& acceptor, Script& script) {
        Peer peer(co_await acceptor.async_accept(asio::use_awaitable));
        co_await script(peer);
    }
    static asio::awaitable<void> use(asio::io_context& context, std::string path, Work& work,
                                     std::string& ended, Stream::acceptor& acceptor) {
        Client client(context.get_executor());
        co_await client.connect(path);
        try {
            co_await client.run_beside(work(client));
        } catch (const std::exception& error) {
            ended = error.what();
        }
        acceptor.close();
    }
};

TEST_F(ClientTest, ExecutesACommandAfterNegotiation) {
    json answer;
    run(
        [](Peer& peer) -> asio::awaitable<void> {
            co_await peer.greet();
            const json request = co_await peer.receive();
            EXPECT_EQ(request["execute"], "query-status");
            const std::string reply =
                json{{"return", {{"status", "running"}}}, {"id", request["id"]}}.dump();
            co_await peer.send(reply + "\n");
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(1s);
            answer = co_await client.execute("query-status", nullptr, 1s);
        });
    EXPECT_EQ(answer["status"], "running");
}

TEST_F(ClientTest, ARefusedCommandLeavesTheConnectionUsable) {
    std::string refused;
    json answer;
    run(
        [](Peer& peer) -> asio::awaitable<void> {
            co_await peer.greet();
            json request = co_await peer.receive();
            std::string line = json{
                {"error", {{"class", "CommandNotFound"}, {"desc", "no such"}}},
                {"id",
                 request["id"]}}.dump();
            co_await peer.send(line + "\n");
            request = co_await peer.receive();
            line = json{{"return", 1}, {"id", request["id"]}}.dump();
            co_await peer.send(line + "\n");
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(1s);
            try {
                co_await client.execute("nonsense", nullptr, 1s);
            } catch (const CommandError& error) {
                refused = error.error_class;
            }
            answer = co_await client.execute("other", nullptr, 1s);
        });
    EXPECT_EQ(refused, "CommandNotFound");
    EXPECT_EQ(answer, 1);
}

TEST_F(ClientTest, AnAbandonedRequestsLateAnswerIsDropped) {
    bool timed_out = false;
    json answer;
    run(
        [](Peer& peer) -> asio::awaitable<void> {
            co_await peer.greet();
            const json slow = co_await peer.receive();
            const json quick = co_await peer.receive();
            const std::string lines = json{{"return", "late"}, {"id", slow["id"]}}.dump() + "\n" +
                                      json{{"return", "in time"}, {"id", quick["id"]}}.dump() +
                                      "\n";
            co_await peer.send(lines);
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(1s);
            try {
                co_await client.execute("slow", nullptr, 1ms);
            } catch (const Timeout&) {
                timed_out = true;
            }
            answer = co_await client.execute("quick", nullptr, 5s);
        });
    EXPECT_TRUE(timed_out);
    EXPECT_EQ(answer, "in time");
}

TEST_F(ClientTest, AConnectionThatDiesEndsWhatIsInFlight) {
    const std::string ended = run(
        [](Peer& peer) -> asio::awaitable<void> {
            co_await peer.greet();
            co_await peer.receive();
            peer.close();
        },
        [](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(1s);
            co_await client.execute("anything", nullptr, 5s);
        });
    EXPECT_NE(ended.find("End of file"), std::string::npos) << ended;
}

TEST_F(ClientTest, APeerThatTalksNonsenseIsCalledThat) {
    const std::string ended =
        run([](Peer& peer) -> asio::awaitable<void> { co_await peer.send("HTTP/1.1 400\n"); },
            [](Client& client) -> asio::awaitable<void> { co_await client.negotiate(5s); });
    EXPECT_NE(ended.find("not JSON"), std::string::npos) << ended;
}

TEST_F(ClientTest, EventsComeInOrderAndAFloodIsCounted) {
    std::vector<std::string> names;
    std::uint64_t dropped = 0;
    run(
        [](Peer& peer) -> asio::awaitable<void> {
            co_await peer.greet();
            std::string flood;
            for (std::size_t i = 0; i < max_queued_events + 10; ++i)
                flood += R"({"event": "E)" + std::to_string(i) + "\"}\n";
            co_await peer.send(flood);
            const json request = co_await peer.receive();
            const std::string reply = json{{"return", 0}, {"id", request["id"]}}.dump();
            co_await peer.send(reply + "\n");
        },
        [&](Client& client) -> asio::awaitable<void> {
            co_await client.negotiate(1s);
            co_await client.execute("after-the-flood", nullptr, 5s);
            dropped = client.dropped_events();
            for (int i = 0; i < 2; ++i) {
                const Event event = co_await client.next_event();
                names.push_back(event.name);
            }
        });
    EXPECT_EQ(names, (std::vector<std::string>{"E0", "E1"}));
    EXPECT_EQ(dropped, 10U);
}

}  // namespace
}  // namespace vnuma::qmp
