// A client of the control socket that a test scripts, and a server with a handler for it.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "src/control/server/server.hpp"
#include "tests/temporary.hpp"

namespace vnuma::control {

// Blocks, but not for ever: a wait that takes longer than no test should throws.
class ControlClient {
  public:
    explicit ControlClient(const std::string& path)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error(path + ": " + std::strerror(errno));
    }

    void send(const std::string& text) const {
        if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(text.size()))
            throw std::runtime_error("the server takes no more");
    }
    // The next line; nothing at the end of the connection.
    std::optional<nlohmann::json> read() {
        std::size_t end = 0;
        while ((end = input_.find('\n')) == std::string::npos) {
            wait_for(POLLIN);
            char bytes[65536];
            const ssize_t size = ::recv(socket_.get(), bytes, sizeof bytes, 0);
            if (size <= 0) return std::nullopt;
            input_.append(bytes, static_cast<std::size_t>(size));
        }
        const auto line = nlohmann::json::parse(input_.substr(0, end));
        input_.erase(0, end + 1);
        return line;
    }
    nlohmann::json ask(const std::string& line) {
        send(line + "\n");
        return read().value();
    }
    nlohmann::json call(const std::string& command) {
        return ask("{\"execute\":\"" + command + "\"}");
    }
    std::string refusal(const std::string& command) { return call(command)["error"]["class"]; }

    ControlClient& negotiate() {
        if (!read().value().contains("QMP")) throw std::runtime_error("no greeting");
        call("qmp_capabilities");
        return *this;
    }
    // What is sent afterwards is not answered any more.
    void end_sending() const { ::shutdown(socket_.get(), SHUT_WR); }
    void wait_until_closed() const { wait_for(POLLHUP); }

  private:
    void wait_for(short events) const {
        constexpr int plenty_ms = 600'000;
        pollfd ready{socket_.get(), events == POLLHUP ? short{0} : events, 0};
        if (::poll(&ready, 1, plenty_ms) != 1) throw std::runtime_error("nothing happens");
    }

    FileDescriptor socket_;
    std::string input_;
};

// Does what the test says for a command, and else returns an empty object.
class ScriptedHandler final : public Handler {
  public:
    using Script = std::function<Reply(const nlohmann::json& arguments, const Caller&)>;

    Reply handle(const Command& command, const nlohmann::json& arguments,
                 const Caller& caller) override {
        ++handled;
        const auto script = scripts.find(command.name);
        return script == scripts.end() ? JsonOut::object() : script->second(arguments, caller);
    }

    std::map<std::string, Script> scripts;  // filled before the server starts
    std::atomic<int> handled{0};
};

class ServerTest : public ::testing::Test {
  protected:
    void start() {
        const Actors actors = {::geteuid(), std::nullopt};
        server = std::make_unique<Server>("1.2.3", actors, limits);
        server->start(make_listeners(directory.path(), actors), handler);
    }
    // A client that has negotiated capabilities.
    ControlClient connect(const char* socket = act_socket_name) const {
        ControlClient client(path(socket));
        client.negotiate();
        return client;
    }
    std::string path(const char* socket = act_socket_name) const { return directory.path(socket); }

    void publish(const std::string& text, Topic topic = Topic::events) {
        server->publish(
            {topic == Topic::events ? "ORDER" : plan_event, {{"text", text}}, 1, topic});
    }
    // Keeps the server's thread busy until the promise is kept.
    std::promise<void> block() {
        std::promise<void> release;
        auto blocked = std::make_shared<std::promise<void>>();
        auto wait = std::make_shared<std::future<void>>(release.get_future());
        server->post([wait, blocked] {
            blocked->set_value();
            wait->wait();
        });
        blocked->get_future().wait();
        return release;
    }

    test::TemporaryDirectory directory;
    Limits limits;
    ScriptedHandler handler;
    std::unique_ptr<Server> server;
};

}  // namespace vnuma::control
