#include "src/ctl/connection.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "guests/process/files.hpp"
#include "tests/src/ctl/fake_server.hpp"
#include "tests/temporary.hpp"

namespace vnuma::ctl {
namespace {

using namespace std::chrono_literals;
using test::FakeServer;

template <typename Error>
std::string what_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

TEST(Connection, NegotiatesAndReturnsWhatTheDaemonReturns) {
    nlohmann::json negotiated, asked;
    FakeServer server([&](auto& peer) {
        peer.send(test::greeting);
        negotiated = peer.request();
        peer.answer(negotiated, nlohmann::json::object());
        asked = peer.request();
        peer.answer(asked, {{"what", "All is well."}});
    });
    Connection connection = server.connect();
    EXPECT_EQ(connection.ask<control::Done>("freeze").what, "All is well.");
    EXPECT_EQ(negotiated.at("execute"), "qmp_capabilities");
    EXPECT_EQ(asked.at("execute"), "freeze");
}

TEST(Connection, ARefusalHasItsClassAndDescription) {
    FakeServer server([](auto& peer) {
        peer.negotiate();
        const auto request = peer.request();
        peer.send(
            R"({"error": {"class": "GuestNotFound", "desc": "there is no guest web9"}, "id": )" +
            request.at("id").dump() + "}\n");
    });
    Connection connection = server.connect();
    try {
        connection.call("query-guest");
        FAIL() << "nothing was thrown";
    } catch (const ControlError& error) {
        EXPECT_EQ(error.error_class, "GuestNotFound");
        EXPECT_STREQ(error.what(), "there is no guest web9");
    }
}

TEST(Connection, EventsThatArriveDuringACallAreKept) {
    FakeServer server([](auto& peer) {
        peer.negotiate();
        const auto request = peer.request();
        peer.send(R"({"event": "GUEST_CAME", "data": {"text": "came"}, )"
                  R"("timestamp": {"seconds": 5, "microseconds": 7000}})"
                  "\n");
        peer.answer(request, nlohmann::json::object());
        peer.send(R"({"event": "GUEST_WENT", "data": {"text": "went"}})"
                  "\n");
    });
    Connection connection = server.connect();
    connection.call("freeze");
    const auto first = connection.next_event(10s);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->name, "GUEST_CAME");
    EXPECT_EQ(first->time_ms, 5007);
    const auto second = connection.next_event(10s);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->name, "GUEST_WENT");
}

TEST(Connection, WaitingForAnEventEndsWithItsTimeOrAnotherDescriptor) {
    FakeServer server([](auto& peer) {
        peer.negotiate();
        peer.receive();
    });
    Connection connection = server.connect();
    EXPECT_EQ(connection.next_event(0ms), std::nullopt);
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    const FileDescriptor read_end(ends[0]), write_end(ends[1]);
    ASSERT_TRUE(write_all(write_end.get(), "x"));
    EXPECT_EQ(connection.next_event(std::nullopt, read_end.get()), std::nullopt);
}

TEST(Connection, ADaemonThatEndsOrSendsNonsenseIsToldOf) {
    FakeServer ends([](auto& peer) {
        peer.negotiate();
        peer.receive();
    });
    Connection one = ends.connect();
    EXPECT_EQ(what_of<ConnectionLost>([&] { one.call("query-status"); }),
              "test.sock: vnumad has closed the connection");
    EXPECT_EQ(what_of<ConnectionLost>([&] { one.call("query-status"); }),
              "test.sock: the connection has ended");
    FakeServer nonsense([](auto& peer) { peer.send("SSH-2.0-OpenSSH\r\n"); });
    Connection other = nonsense.connect();
    EXPECT_THROW(other.call("query-status"), ConnectionLost);
}

TEST(Connection, ADaemonThatDoesNotAnswerIsGivenUp) {
    FakeServer server([](auto& peer) {
        peer.negotiate();
        while (!peer.receive().empty()) {
        }
    });
    {
        Connection connection = server.connect(1s);
        EXPECT_EQ(what_of<ConnectionLost>([&] { connection.call("query-status"); }),
                  "test.sock: it has not answered within 1 s");
    }
}

TEST(Connection, AReplyThatIsNoneOfItsKindNamesTheField) {
    EXPECT_EQ(what_of<ConnectionLost>([] {
                  Connection::read_reply<control::Done>("freeze", nlohmann::json{{"that", 1}});
              }).substr(0, 37),
              "the reply to freeze cannot be read, v");
    const nlohmann::json newer{{"what", "done"}, {"since", 1}};
    EXPECT_EQ(Connection::read_reply<control::Done>("freeze", newer).what, "done");
}

TEST(Connection, WithoutADaemonItSaysWhatWasTriedAndHowToStartIt) {
    const test::TemporaryDirectory directory;
    const std::string run = directory.path("run");
    Connection connection(sockets_to_try("", "", run));
    EXPECT_EQ(what_of<NoDaemon>([&] { connection.call("query-status"); }),
              "vnumad is not running: nobody listens at " + run +
                  "/control.sock (No such file or directory), " + run + "/control-ro.sock" +
                  " (No such file or directory). Start it with: systemctl start vnumad");
}

TEST(Connection, TheOptionComesBeforeTheEnvironmentAndThatBeforeTheDefaults) {
    EXPECT_EQ(sockets_to_try("a", "b"), std::vector<std::string>{"a"});
    EXPECT_EQ(sockets_to_try("", "b"), std::vector<std::string>{"b"});
    EXPECT_EQ(sockets_to_try("", "", "/d"),
              (std::vector<std::string>{"/d/control.sock", "/d/control-ro.sock"}));
    Connection connection({std::string(200, 'x')});
    EXPECT_THROW(connection.call("query-status"), NoDaemon);
}

TEST(Connection, TheNextCallConnectsAgain) {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path("control.sock");
    const FileDescriptor listener = test::listen_at(path);
    std::thread server([&] {
        for (int i = 0; i < 2; ++i) {
            const FileDescriptor client(::accept(listener.get(), nullptr, nullptr));
            FakeServer::Peer peer(client.get());
            peer.negotiate();
            const auto request = peer.request();
            if (i == 1) peer.answer(request, {{"what", "again"}});
        }
    });
    Connection connection({path});
    EXPECT_THROW(connection.call("freeze"), ConnectionLost);
    EXPECT_EQ(connection.ask<control::Done>("freeze").what, "again");
    server.join();
}

TEST(Connection, WhyTheDaemonTakesNoMoreClientsIsTold) {
    FakeServer server([](auto& peer) {
        peer.send(R"({"error": {"class": "GenericError", "desc": "user 0 has 64 clients"}})"
                  "\n");
    });
    Connection connection = server.connect();
    EXPECT_EQ(what_of<ConnectionLost>([&] { connection.call("query-status"); }),
              "test.sock: user 0 has 64 clients");
}

TEST(Connection, AReplyThatHasNotComeIsNotWaitedFor) {
    std::promise<void> asked;
    FakeServer server([&](auto& peer) {
        peer.negotiate();
        const auto request = peer.request();
        asked.get_future().wait();
        peer.answer(request, {{"what", "done"}});
        peer.receive();
    });
    Connection connection = server.connect();
    connection.begin("freeze");
    EXPECT_FALSE(connection.take_reply());
    asked.set_value();
    std::optional<nlohmann::json> reply;
    pollfd ready{connection.descriptor(), POLLIN, 0};
    while (!reply && ::poll(&ready, 1, 10'000) > 0)
        reply = connection.take_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->at("what"), "done");
}

TEST(Connection, ADaemonThatAcceptsNobodyIsNotWaitedForEither) {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path("control.sock");
    const FileDescriptor listener = test::listen_at(path, 0);
    std::vector<std::unique_ptr<Connection>> others;
    std::string problem;
    constexpr int more_than_wait = 16;
    for (int i = 0; i < more_than_wait && problem.empty(); ++i) {
        others.push_back(std::make_unique<Connection>(std::vector<std::string>{path}, 50ms));
        try {
            others.back()->begin("query-status");
        } catch (const NoDaemon& error) {
            problem = error.what();
        }
    }
    EXPECT_EQ(problem.find("vnumad accepts no connections: " + path), 0u) << problem;
    EXPECT_EQ(what_of<NoDaemon>([&] { others.back()->call("query-status"); }), problem);
}

}  // namespace
}  // namespace vnuma::ctl
