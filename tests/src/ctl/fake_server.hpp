// The daemon's end of a control socket, as a script or as a table of answers, for tests of
// vnumactl's.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "guests/process/file_descriptor.hpp"
#include "src/ctl/connection.hpp"
#include "tests/temporary.hpp"

namespace vnuma::test {

using ctl::Connection;

inline constexpr const char* greeting =
    R"({"QMP": {"version": {"qemu": {"major": 1, "minor": 0, "micro": 0}}, "capabilities": []}})"
    "\n";

// The other end of a connection, on a thread of its own. It ends with its script.
class FakeServer {
  public:
    // What the script gets.
    class Peer {
      public:
        explicit Peer(int fd) : fd_(fd) {}
        // A client that has gone gets nothing.
        void send(const std::string& text) const {
            for (std::size_t sent = 0; sent < text.size();) {
                const ssize_t count =
                    ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
                if (count <= 0) return;
                sent += static_cast<std::size_t>(count);
            }
        }
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

    Connection connect(std::chrono::milliseconds timeout = Connection::default_timeout) {
        return Connection(std::move(client_), "test.sock", timeout);
    }

  private:
    FileDescriptor client_, server_;
    std::thread thread_;
};

// A socket that listens, with room for so many connections that nobody has accepted.
inline FileDescriptor listen_at(const std::string& path, int backlog = 8) {
    FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_LT(path.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    EXPECT_EQ(::listen(listener.get(), backlog), 0);
    return listener;
}

// Serves one client after the other with the same answer to each command. A command without one is
// refused.
class FakeDaemon {
  public:
    // By command: what is returned, or {"class", "desc"} under "error".
    using Answers = std::map<std::string, nlohmann::json>;
    // By command: events that follow the reply. Then the connection is closed.
    using Events = std::map<std::string, std::vector<nlohmann::json>>;

    explicit FakeDaemon(Answers answers, Events events = {})
        : answers_(std::move(answers)),
          events_(std::move(events)),
          listener_(listen_at(path())),
          thread_([this] { serve(); }) {}
    ~FakeDaemon() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }
    FakeDaemon(const FakeDaemon&) = delete;
    FakeDaemon& operator=(const FakeDaemon&) = delete;

    std::string path() const { return directory_.path("control.sock"); }
    // Arguments of each such request so far.
    std::vector<nlohmann::json> requests(const std::string& command) {
        const std::lock_guard lock(mutex_);
        return requests_[command];
    }

  private:
    void serve() {
        while (true) {
            const FileDescriptor client(::accept(listener_.get(), nullptr, nullptr));
            if (!client) return;
            FakeServer::Peer peer(client.get());
            peer.send(greeting);
            for (std::string line = peer.receive(); !line.empty(); line = peer.receive()) {
                const auto request = nlohmann::json::parse(line);
                answer(peer, request);
                const auto events = events_.find(request.at("execute"));
                if (events == events_.end()) continue;
                for (const nlohmann::json& event : events->second)
                    peer.send(event.dump() + "\n");
                break;
            }
        }
    }
    void answer(const FakeServer::Peer& peer, const nlohmann::json& request) {
        const std::string command = request.at("execute");
        {
            const std::lock_guard lock(mutex_);
            requests_[command].push_back(request.value("arguments", nlohmann::json::object()));
        }
        if (command == "qmp_capabilities") return peer.answer(request, nlohmann::json::object());
        const auto found = answers_.find(command);
        if (found != answers_.end() && !found->second.contains("error"))
            return peer.answer(request, found->second);
        nlohmann::json refusal{{"class", "CommandNotFound"}, {"desc", "no " + command}};
        if (found != answers_.end()) refusal = found->second.at("error");
        peer.send(nlohmann::json{{"error", refusal}, {"id", request.at("id")}}.dump() + "\n");
    }

    const Answers answers_;
    const Events events_;
    const TemporaryDirectory directory_;
    FileDescriptor listener_;
    std::mutex mutex_;
    std::map<std::string, std::vector<nlohmann::json>> requests_;
    std::thread thread_;
};

}  // namespace vnuma::test
