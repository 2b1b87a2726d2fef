// Tests with the installed QEMU and a machine without CPUs and memory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <functional>

#include "qmp/client.hpp"
#include "qmp/commands.hpp"
#include "qmp/human_monitor.hpp"
#include "qmp/statistics.hpp"

namespace vnuma::qmp {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* emulator = "/usr/bin/qemu-system-x86_64";
constexpr auto deadline = 20s;
constexpr auto connect_interval = 5ms;

class Qemu : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!std::filesystem::exists(emulator)) GTEST_SKIP() << "no " << emulator;
        std::string monitor = "unix:" + path_ + ",server=on,wait=off";
        const char* const arguments[] = {emulator,      "-machine",      "none",
                                         "-nodefaults", "-display",      "none",
                                         "-qmp",        monitor.c_str(), nullptr};
        ASSERT_EQ(::posix_spawn(&pid_, emulator, nullptr, nullptr,
                                const_cast<char* const*>(arguments), environ),
                  0);
    }
    void TearDown() override {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        std::filesystem::remove(path_);
    }

    // Connects, negotiates and runs `work`. Throws what `work` throws, or why the connection ended.
    void run(std::function<asio::awaitable<void>(Client&)> work) {
        asio::io_context context;
        std::exception_ptr failure;
        asio::co_spawn(context, use(work), [&](std::exception_ptr thrown) { failure = thrown; });
        context.run_for(2 * deadline);
        EXPECT_TRUE(context.stopped()) << "the client hung";
        if (failure) std::rethrow_exception(failure);
    }

    const std::string path_ =
        (std::filesystem::temp_directory_path() / ("vnuma-qmp-qemu." + std::to_string(::getpid())))
            .string();
    pid_t pid_ = -1;

  private:
    // Repeats until QEMU, which has just been started, has opened the socket.
    asio::awaitable<void> connect(Client& client) {
        asio::steady_timer timer(co_await asio::this_coro::executor);
        const auto give_up = std::chrono::steady_clock::now() + deadline;
        for (bool connected = false; !connected;) {
            try {
                co_await client.connect(path_);
                connected = true;
            } catch (const ConnectionError&) {
                if (std::chrono::steady_clock::now() > give_up) throw;
            }
            timer.expires_after(connect_interval);
            if (!connected) co_await timer.async_wait(asio::use_awaitable);
        }
    }
    asio::awaitable<void> use(std::function<asio::awaitable<void>(Client&)>& work) {
        Client client(co_await asio::this_coro::executor, {.events = true});
        co_await connect(client);
        auto negotiated = [](Client& one, auto& rest) -> asio::awaitable<void> {
            const Greeting greeting = co_await one.negotiate(deadline);
            EXPECT_FALSE(greeting.version.empty());
            co_await rest(one);
        };
        co_await client.run_while(negotiated(client, work));
    }
};

TEST_F(Qemu, AnswersTypedCommands) {
    run([this](Client& client) -> asio::awaitable<void> {
        EXPECT_EQ(client.peer().pid, pid_);
        const Status status = co_await client.execute(query_status(), deadline);
        EXPECT_TRUE(status.running);
        const std::string uuid = co_await client.execute(query_uuid(), deadline);
        EXPECT_EQ(uuid, "00000000-0000-0000-0000-000000000000");
        const std::string name = co_await client.execute(query_name(), deadline);
        EXPECT_EQ(name, "");
        const auto cpus = co_await client.execute(query_cpus_fast(), deadline);
        EXPECT_TRUE(cpus.empty());
        const auto backends = co_await client.execute(query_memdev(), deadline);
        EXPECT_TRUE(backends.empty());
        const auto devices = co_await client.execute(query_memory_devices(), deadline);
        EXPECT_TRUE(devices.empty());
        const auto threads = co_await client.execute(query_iothreads(), deadline);
        EXPECT_TRUE(threads.empty());
        const std::string migration = co_await client.execute(query_migrate(), deadline);
        EXPECT_EQ(migration, "");
        const DirtyRate rate = co_await client.execute(query_dirty_rate(), deadline);
        EXPECT_EQ(rate.status, "unstarted");
        auto stats_of_machine = query_stats(StatsTarget::vm, {});
        const auto stats = co_await client.execute(stats_of_machine, deadline);
        EXPECT_TRUE(stats.empty());
        const auto map = co_await client.execute(info_mtree_flat(), deadline);
        EXPECT_TRUE(map.empty());
        const auto nodes = co_await client.execute(info_numa(), deadline);
        EXPECT_TRUE(nodes.empty());
    });
}

TEST_F(Qemu, StaysUsableAfterRefusals) {
    run([](Client& client) -> asio::awaitable<void> {
        std::string unknown, inactive, unmapped;
        try {
            co_await client.execute("no-such-command", nullptr, deadline);
        } catch (const CommandError& error) {
            unknown = error.error_class;
        }
        try {
            co_await client.execute(query_balloon(), deadline);
        } catch (const CommandError& error) {
            inactive = error.error_class;
        }
        try {
            co_await client.execute(gpa2hva(0x1000), deadline);
        } catch (const ProtocolError& error) {
            unmapped = error.what();
        }
        EXPECT_EQ(unknown, "CommandNotFound");
        EXPECT_EQ(inactive, "DeviceNotActive");
        EXPECT_NE(unmapped.find("No memory is mapped at address 0x1000"), std::string::npos)
            << unmapped;
        const Status status = co_await client.execute(query_status(), deadline);
        EXPECT_TRUE(status.running);
    });
}

TEST_F(Qemu, AnswersManyRequestsInFlight) {
    constexpr int requests = 32;
    int answered = 0;
    run([&](Client& client) -> asio::awaitable<void> {
        auto executor = co_await asio::this_coro::executor;
        for (int i = 0; i < requests; ++i)
            asio::co_spawn(executor, client.execute("query-uuid", nullptr, deadline),
                           [&](std::exception_ptr failed, const json&) { answered += !failed; });
        while (client.in_flight() < requests)
            co_await asio::post(executor, asio::use_awaitable);
        // QEMU answers in the order of the requests, so all others are answered before this one.
        co_await client.execute("query-uuid", nullptr, deadline);
    });
    EXPECT_EQ(answered, requests);
}

TEST_F(Qemu, QuittingIsAConnectionErrorAfterTheShutdownEvent) {
    std::string reason;
    auto quit = [&](Client& client) -> asio::awaitable<void> {
        co_await client.execute("quit", nullptr, deadline);
        while (true) {
            const Event event = co_await client.next_event();
            if (event.name == "SHUTDOWN") reason = event.data.value("reason", "");
        }
    };
    EXPECT_THROW(run(quit), ConnectionError);
    EXPECT_EQ(reason, "host-qmp-quit");
}

// A Session works with any stream. Here it serves to send what a Client never sends.
TEST_F(Qemu, AnswersMalformedInputWithAnErrorAndStaysUsable) {
    run([](Client&) -> asio::awaitable<void> { co_return; });  // waits until QEMU is up
    asio::io_context context;
    asio::local::stream_protocol::socket socket(context);
    socket.connect(path_);
    Session session;
    session.begin("qmp_capabilities", nullptr);
    session.begin("query-status", nullptr);
    const std::string requests = session.take_outgoing();
    asio::write(socket, asio::buffer("{]\n" + requests));
    std::size_t answers = 0;
    std::string input(4096, '\0');
    while (answers < 2) {
        const std::size_t size = socket.read_some(asio::buffer(input));
        session.feed({input.data(), size});
        while (auto incoming = session.next()) {
            ASSERT_FALSE(std::holds_alternative<Malformed>(*incoming));
            if (auto* answer = std::get_if<Answer>(&*incoming))
                answers += std::holds_alternative<json>(answer->outcome);
        }
    }
    EXPECT_GE(session.stray_answers().without_id, 1U);
}

}  // namespace
}  // namespace vnuma::qmp
