// A QMP server in this process that ends, mutes, delays and refuses connections when a test says
// so.
#pragma once

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace vnuma::test {

// Serves one connection at a time, in a thread of its own. The peer that a client sees is this
// process, which lives as long as the test. Every call returns when its effect is complete.
class FakeQemu {
  public:
    static constexpr const char* uuid = "11111111-2222-3333-4444-555555555555";
    static constexpr const char* name = "web";

    explicit FakeQemu(const std::string& path, std::string own_uuid = uuid)
        : uuid_(std::move(own_uuid)), acceptor_(context_, Stream::endpoint(path)) {
        accept();
        thread_ = std::thread([this] { context_.run(); });
    }
    ~FakeQemu() {
        context_.stop();
        thread_.join();
    }
    FakeQemu(const FakeQemu&) = delete;
    FakeQemu& operator=(const FakeQemu&) = delete;

    // Closes the connection. Whether later ones are greeted is up to `greets`.
    void hang_up(bool greets) {
        in_thread([this, greets] {
            greets_ = greets;
            hang_up();
        });
    }
    // Closes each later connection at once, without a greeting.
    void end_each() {
        in_thread([this] { ends_each_ = true; });
    }
    // Sends this instead of the greeting of each later connection.
    void greet_as(const std::string& text) {
        hang_up(false);
        greet_with(text);
    }
    // Sends this after the greeting of each later connection.
    void greet_with(const std::string& text) {
        in_thread([this, text] { behind_greeting_ = text; });
    }
    // How many connections there have been, and whether the last one is still open.
    int connections() {
        int count = 0;
        in_thread([&] { count = connections_; });
        return count;
    }
    bool is_connected() {
        bool connected = false;
        in_thread([&] { connected = connection_ != nullptr; });
        return connected;
    }
    // Closes the connection and the listening socket, and leaves the socket's file behind.
    void refuse() {
        in_thread([this] {
            acceptor_.close();
            hang_up();
        });
    }

    // Replies so to each later command of this name.
    void answer_with(const std::string& command, const nlohmann::json& value) {
        in_thread([&] { replies_[command] = value; });
    }
    void set_status(const std::string& status) {
        answer_with("query-status", {{"status", status}, {"running", status == "running"}});
    }

    // The commands that have arrived since the last call, but for qmp_capabilities, with which each
    // connection begins.
    std::vector<std::string> take_commands() {
        std::vector<std::string> commands;
        in_thread([&] { commands = std::exchange(commands_, {}); });
        return commands;
    }

    // Holds back the replies to these commands, or to all, until release().
    void hold(const std::string& command = "") {
        in_thread([this, command] { held_command_ = command; });
    }
    void release() {
        in_thread([this] {
            held_command_.reset();
            for (const auto& [connection, request] : held_requests_)
                answer(*connection, request);
            held_requests_.clear();
        });
    }

  private:
    using Stream = boost::asio::local::stream_protocol;
    struct Connection {
        explicit Connection(Stream::socket accepted) : socket(std::move(accepted)) {}
        Stream::socket socket;
        std::string input;
    };

    void in_thread(const std::function<void()>& action) {
        std::promise<void> done;
        boost::asio::post(context_, [&] {
            action();
            done.set_value();
        });
        done.get_future().wait();
    }

    void hang_up() {
        if (connection_) connection_->socket.close();
        connection_.reset();
    }

    void accept() {
        acceptor_.async_accept([this](boost::system::error_code error, Stream::socket socket) {
            if (error) return;
            connection_ = std::make_shared<Connection>(std::move(socket));
            ++connections_;
            if (ends_each_) {
                hang_up();
                return accept();
            }
            if (greets_)
                send(*connection_, {{"QMP",
                                     {{"version", nlohmann::json::object()},
                                      {"capabilities", nlohmann::json::array()}}}});
            boost::system::error_code ignored;
            boost::asio::write(connection_->socket, boost::asio::buffer(behind_greeting_), ignored);
            receive(connection_);
            accept();
        });
    }

    static void send(Connection& connection, const nlohmann::json& message) {
        boost::system::error_code ignored;
        boost::asio::write(connection.socket, boost::asio::buffer(message.dump() + "\n"), ignored);
    }

    void receive(const std::shared_ptr<Connection>& connection) {
        boost::asio::async_read_until(
            connection->socket, boost::asio::dynamic_buffer(connection->input), '\n',
            [this, connection](boost::system::error_code error, std::size_t size) {
                if (error) {
                    if (connection == connection_) connection_.reset();
                    return;
                }
                const auto request = nlohmann::json::parse(connection->input.substr(0, size));
                connection->input.erase(0, size);
                if (request["execute"] != "qmp_capabilities")
                    commands_.push_back(request["execute"]);
                if (held_command_ &&
                    (held_command_->empty() || *held_command_ == request["execute"]))
                    held_requests_.emplace_back(connection, request);
                else
                    answer(*connection, request);
                receive(connection);
            });
    }

    void answer(Connection& connection, const nlohmann::json& request) {
        nlohmann::json message = reply(request["execute"]);
        message["id"] = request["id"];
        send(connection, message);
    }

    nlohmann::json reply(const std::string& command) const {
        using nlohmann::json;
        if (const auto known = replies_.find(command); known != replies_.end())
            return {{"return", known->second}};
        if (command == "query-balloon")
            return {{"error", {{"class", "DeviceNotActive"}, {"desc", "no balloon"}}}};
        if (command == "query-status")
            return {{"return", {{"status", "running"}, {"running", true}}}};
        if (command == "query-uuid") return {{"return", {{"UUID", uuid_}}}};
        if (command == "query-name") return {{"return", {{"name", name}}}};
        if (command == "human-monitor-command") return {{"return", "0 nodes\r\n"}};
        if (command == "query-migrate" || command == "qmp_capabilities")
            return {{"return", json::object()}};
        return {{"return", json::array()}};
    }

    const std::string uuid_;
    boost::asio::io_context context_{1};
    Stream::acceptor acceptor_;
    std::shared_ptr<Connection> connection_;   // the latest
    std::optional<std::string> held_command_;  // empty: all
    std::vector<std::pair<std::shared_ptr<Connection>, nlohmann::json>> held_requests_;
    bool greets_ = true, ends_each_ = false;
    std::string behind_greeting_;
    std::map<std::string, nlohmann::json> replies_;  // that a test has chosen, by command
    std::vector<std::string> commands_;
    int connections_ = 0;
    std::thread thread_;
};

}  // namespace vnuma::test
