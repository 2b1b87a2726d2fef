// qmp/ next to the least that could do the same: blocking calls on a socket, the JSON parser alone.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <string>
#include <thread>

#include "qmp/client.hpp"

namespace vnuma::qmp {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using Stream = asio::local::stream_protocol;

constexpr auto deadline = std::chrono::seconds(30);
constexpr std::string_view greeting = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";
constexpr std::string_view answer_begin =
    "{\"return\": {\"status\": \"running\", \"singlestep\": false, \"running\": true}, \"id\": ";

// Answers every request line with its id, and spends as little on it as it can.
class Server {
  public:
    Server()
        : path_(std::filesystem::temp_directory_path() /
                ("vnuma-qmp-benchmark." + std::to_string(::getpid()))) {
        std::filesystem::remove(path_);
        acceptor_.open();
        acceptor_.bind(Stream::endpoint(path_.string()));
        acceptor_.listen();
        thread_ = std::thread([this] { serve(); });
    }
    ~Server() {
        thread_.join();  // ends when the client closes
        std::filesystem::remove(path_);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::string path() const { return path_.string(); }

  private:
    void serve() {
        Stream::socket socket = acceptor_.accept();
        asio::write(socket, asio::buffer(greeting));
        std::string input, output, chunk(64 * 1024, '\0');
        boost::system::error_code error;
        while (true) {
            const std::size_t size = socket.read_some(asio::buffer(chunk), error);
            if (error) return;
            input.append(chunk, 0, size);
            std::size_t begin = 0;
            for (std::size_t end; (end = input.find('\n', begin)) != std::string::npos;
                 begin = end + 1)
                answer({input.data() + begin, end - begin}, output);
            input.erase(0, begin);
            asio::write(socket, asio::buffer(output), error);
            if (error) return;
            output.clear();
        }
    }
    static void answer(std::string_view request, std::string& output) {
        const std::size_t id = request.find("\"id\":") + 5;
        output.append(answer_begin)
            .append(request.substr(id, request.find_first_of(",}", id) - id))
            .append("}\r\n");
    }

    std::filesystem::path path_;
    asio::io_context context_;
    Stream::acceptor acceptor_{context_};
    std::thread thread_;
};

asio::awaitable<void> ask(Client& client, benchmark::State& state, std::int64_t& asked) {
    while (state.KeepRunning()) {
        co_await client.execute("query-status", nullptr, deadline);
        ++asked;
    }
}

// `others` more coroutines ask as long as the first does.
asio::awaitable<void> ask_too(Client& client, const bool& stop, std::int64_t& asked) {
    while (!stop) {
        co_await client.execute("query-status", nullptr, deadline);
        ++asked;
    }
}

asio::awaitable<void> ask_beside(Client& client, benchmark::State& state, std::int64_t& asked) {
    co_await client.negotiate(deadline);
    auto executor = co_await asio::this_coro::executor;
    bool stop = false;
    std::int64_t running = state.range(0) - 1;
    for (std::int64_t i = 1; i < state.range(0); ++i)
        asio::co_spawn(executor, ask_too(client, stop, asked),
                       [&running](std::exception_ptr) { --running; });
    co_await ask(client, state, asked);
    stop = true;
    while (running > 0)
        co_await client.execute("query-status", nullptr, deadline);
}

asio::awaitable<void> use(Client& client, std::string path, benchmark::State& state,
                          std::int64_t& asked) {
    co_await client.connect(path);
    co_await client.run_while(ask_beside(client, state, asked));
}

// Round trips through Client, range(0) of them in flight.
void qmp_client(benchmark::State& state) {
    Server server;
    std::int64_t asked = 0;
    {
        asio::io_context context;
        Client client(context.get_executor());
        asio::co_spawn(context, use(client, server.path(), state, asked),
                       [&](std::exception_ptr failure) {
                           if (failure) state.SkipWithError("the connection failed");
                       });
        context.run();
    }
    state.SetItemsProcessed(asked);
}
BENCHMARK(qmp_client)->Arg(1)->Arg(32)->UseRealTime();

// The same bytes with blocking calls, no parser and no deadline: write range(0) requests, read
// until as many answers have come.
void qmp_bare_socket(benchmark::State& state) {
    Server server;
    std::int64_t asked = 0;
    {
        asio::io_context context;
        Stream::socket socket(context);
        socket.connect(Stream::endpoint(server.path()));
        std::string input(64 * 1024, '\0');
        socket.read_some(asio::buffer(input));
        std::string requests;
        for (std::int64_t i = 0; i < state.range(0); ++i)
            requests += encode_request("query-status", nullptr, 1000000 + i);
        for (auto _ : state) {
            asio::write(socket, asio::buffer(requests));
            for (std::int64_t lines = 0; lines < state.range(0);) {
                const std::size_t size = socket.read_some(asio::buffer(input));
                lines += std::count(input.data(), input.data() + size, '\n');
            }
            asked += state.range(0);
        }
    }
    state.SetItemsProcessed(asked);
}
BENCHMARK(qmp_bare_socket)->Arg(1)->Arg(32)->UseRealTime();

// As query-memdev answers, 8 MiB of it.
std::string long_reply() {
    const std::string backend =
        "{\"share\": false, \"reserve\": true, \"prealloc\": false, \"host-nodes\": [0, 1], "
        "\"size\": 67108864, \"merge\": true, \"dump\": true, \"policy\": \"bind\", \"id\": "
        "\"m0\"}";
    std::string line = "{\"return\": [" + backend;
    while (line.size() < 8 * 1024 * 1024)
        line += ", " + backend;
    return line + "], \"id\": 1}\r\n";
}

void qmp_session_long_reply(benchmark::State& state) {
    const std::string line = long_reply();
    for (auto _ : state) {
        Session session;
        session.begin("query-memdev", nullptr);
        session.feed(line);
        auto answer = session.next();
        if (!answer || !std::holds_alternative<Answer>(*answer)) state.SkipWithError("no answer");
        benchmark::DoNotOptimize(answer);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(line.size()));
}
BENCHMARK(qmp_session_long_reply)->Unit(benchmark::kMillisecond);

void qmp_bare_json_long_reply(benchmark::State& state) {
    const std::string line = long_reply();
    for (auto _ : state) {
        json value = json::parse(line);
        benchmark::DoNotOptimize(value);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(line.size()));
}
BENCHMARK(qmp_bare_json_long_reply)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vnuma::qmp
