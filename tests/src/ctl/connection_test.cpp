#include "src/ctl/connection.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <functional>
#include <thread>

#include "guests/process/files.hpp"
#include "tests/temporary.hpp"

namespace vnuma::ctl {
namespace {

using namespace std::chrono_literals;

constexpr const char* greeting =
    R"({"QMP": {"version": {"qemu": {"major": 1, "minor": 0, "micro": 0}}, "capabilities": []}})"
    "\n";

// The other end of a connection, on a thread of its own. It ends with its script.
class FakeServer {
  public:
    // What the script gets.
    class Peer {
      public:
        explicit Peer(int fd) : fd_(fd) {}
        void send(const std::string& text) const { write_all(fd_, text); }
        // A line without its end; empty if the client has gone.
        std::string receive() {
            std::size_t end = 0;
            while ((end = buffer_.find('\n')) == std::string::npos) {
                char some[4096];
                const ssize_t count = ::recv(fd_, some, sizeof some, 0);
                if (count <= 0) return "";
                buffer_.append(some, static_cast<std::size_t>(count));
            }
            const std::string line = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return line;
        }
        nlohmann::json request() { return nlohmann::json::parse(receive()); }
        void answer(const nlohmann::json& request, const nlohmann::json& value) const {
            send(nlohmann::json{{"return", value}, {"id", request.at("id")}}.dump() + "\n");
        }
        void negotiate() {
            send(greeting);
            answer(request(), nlohmann::json::object());
        }

      private:
        int fd_;
        std::string buffer_;
    };

    explicit FakeServer(const std::function<void(Peer&)>& script) {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        client_.reset(ends[0]);
        server_.reset(ends[1]);
        thread_ = std::thread([this, script] {
            Peer peer(server_.get());
            script(peer);
            ::shutdown(server_.get(), SHUT_RDWR);
        });
    }
    ~FakeServer() { thread_.join(); }
    FakeServer(const FakeServer&) = delete;
    FakeServer& operator=(const FakeServer&) = delete;

    Connection connect(std::chrono::milliseconds timeout = 10s) {
        return Connection(std::move(client_), "test.sock", timeout);
    }

  private:
    FileDescriptor client_, server_;
    std::thread thread_;
};

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
        peer.send(greeting);
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
    Connection connection(sockets_to_try("", "", directory.path()));
    EXPECT_EQ(what_of<NoDaemon>([&] { connection.call("query-status"); }),
              "vnumad is not running: nobody listens at " + directory.path("control.sock") +
                  " (No such file or directory), " + directory.path("control-ro.sock") +
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
    const FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(path.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    ASSERT_EQ(::listen(listener.get(), 2), 0);
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

}  // namespace
}  // namespace vnuma::ctl
