// The server's side of a QMP connection, as a test scripts it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <utility>

#include "qmp/client.hpp"

namespace vnuma::qmp {

namespace asio = boost::asio;
using Stream = asio::local::stream_protocol;

// A deadline that no test should meet, however little of a CPU it gets.
inline constexpr std::chrono::minutes plenty{10};

class Server {
  public:
    explicit Server(Stream::socket socket) : socket_(std::move(socket)) {}

    asio::awaitable<void> send(std::string text) {
        co_await asio::async_write(socket_, asio::buffer(text), asio::use_awaitable);
    }
    asio::awaitable<nlohmann::json> receive() {
        const std::size_t size = co_await asio::async_read_until(
            socket_, asio::dynamic_buffer(input_), '\n', asio::use_awaitable);
        const auto request = nlohmann::json::parse(input_.substr(0, size));
        input_.erase(0, size);
        co_return request;
    }
    asio::awaitable<void> answer(nlohmann::json request, nlohmann::json value) {
        const nlohmann::json reply = {{"return", value}, {"id", request["id"]}};
        co_await send(reply.dump() + "\n");
    }
    asio::awaitable<void> greet() {
        co_await send(R"({"QMP": {"version": {}, "capabilities": []}})"
                      "\n");
        const nlohmann::json request = co_await receive();
        co_await answer(request, nlohmann::json::object());
    }
    void close() { socket_.close(); }

  private:
    Stream::socket socket_;
    std::string input_;
};

class ClientTest : public ::testing::Test {
  protected:
    using Script = std::function<asio::awaitable<void>(Server&)>;
    using Work = std::function<asio::awaitable<void>(Client&)>;

    // Runs server and client until `work` ends, and throws what `work` throws.
    void run(Script script, Work work) {
        serve_and_run(std::move(script), std::move(work));
        if (failure_) std::rethrow_exception(failure_);
    }

    // The same for work that must end with an Error, which is returned.
    template <typename Error>
    Error run_to(Script script, Work work) {
        serve_and_run(std::move(script), std::move(work));
        try {
            if (failure_) std::rethrow_exception(failure_);
        } catch (const Error& error) {
            return error;
        }
        throw std::logic_error("ended without an error");
    }

    Reception reception{.events = true};
    const std::string path_ =
        (std::filesystem::temp_directory_path() / ("vnuma-qmp-test." + std::to_string(::getpid())))
            .string();

  private:
    void serve_and_run(Script script, Work work) {
        std::filesystem::remove(path_);
        asio::io_context context;
        Stream::acceptor acceptor(context, Stream::endpoint(path_));
        asio::co_spawn(context, serve(acceptor, script), [](std::exception_ptr) {});
        asio::co_spawn(context, use(context, work, acceptor),
                       [&](std::exception_ptr thrown) { failure_ = thrown; });
        context.run_for(plenty);
        EXPECT_TRUE(context.stopped()) << "the client hung";
        std::filesystem::remove(path_);
    }
    static asio::awaitable<void> serve(Stream::acceptor& acceptor, Script& script) {
        Server server(co_await acceptor.async_accept(asio::use_awaitable));
        co_await script(server);
        co_await server.receive();  // keeps the connection open until the client closes it
    }
    asio::awaitable<void> use(asio::io_context& context, Work& work, Stream::acceptor& acceptor) {
        Client client(context.get_executor(), reception);
        co_await client.connect(path_);
        std::exception_ptr thrown;
        try {
            co_await client.run_while(work(client));
        } catch (...) {
            thrown = std::current_exception();
        }
        acceptor.close();
        if (thrown) std::rethrow_exception(thrown);
    }

    std::exception_ptr failure_;
};

}  // namespace vnuma::qmp
