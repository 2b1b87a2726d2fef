// What the control socket costs: the daemon for each request and each tick, and `vnumactl list`
// from its start to the table.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "src/control/control.hpp"
#include "src/control/protocol/json.hpp"
#include "src/control/queries/guests.hpp"
#include "src/ctl/connection.hpp"
#include "src/ctl/verbs/list.hpp"
#include "src/record/record.hpp"
#include "tests/benchmarks/tick_of_guests.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using control::GuestSummary;
using nlohmann::json;

constexpr ctl::Terminal wide_terminal{.width = 160, .colour = true, .utf8 = true, .headers = true};

// The server and the queries of vnumad, without its loop.
class Daemon {
  public:
    explicit Daemon(std::size_t guests) {
        dispatch_.set_tick(test::tick_of_guests(guests));
        server_.start(control::make_listeners(directory_.path(), actors_), dispatch_);
        std::promise<clockid_t> clock;
        server_.post([&clock] {
            clockid_t its_own{};
            ::pthread_getcpuclockid(::pthread_self(), &its_own);
            clock.set_value(its_own);
        });
        clock_ = clock.get_future().get();
    }

    std::string socket() const { return directory_.path(control::act_socket_name); }

    // CPU time of the thread that answers requests.
    double cpu_seconds() const {
        timespec time{};
        ::clock_gettime(clock_, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
    }

  private:
    static control::Limits limits() {
        control::Limits limits;
        limits.requests_per_second = 1'000'000;  // what is measured must not wait for its turn
        return limits;
    }

    const test::TemporaryDirectory directory_;
    const control::Actors actors_{::geteuid(), std::nullopt};
    const Config config_{};
    control::Orders orders_;
    control::Dispatch dispatch_{
        control::Dispatch::Parts{config_, "1.0", Freeze(directory_.path()), orders_, nullptr}};
    control::Server server_{"1.0", actors_, limits()};
    clockid_t clock_{};
};

std::size_t guests_of(const benchmark::State& state) {
    return static_cast<std::size_t>(state.range(0));
}

// The time is that of the daemon's thread: parsing the request, the answer, encoding and sending
// it.
void daemon_request(benchmark::State& state, const char* command, bool of_one_guest) {
    const Daemon daemon(guests_of(state));
    JsonOut arguments = JsonOut::object();
    // The last one is found last, and is moving.
    if (of_one_guest) arguments["guest"] = test::name_of_guest(guests_of(state) - 1);
    ctl::Connection connection({daemon.socket()});
    json reply = connection.call(command, arguments);
    double before = daemon.cpu_seconds();
    for ([[maybe_unused]] auto _ : state) {
        reply = connection.call(command, arguments);
        // What the thread does after it has sent a reply counts for the next request.
        const double now = daemon.cpu_seconds();
        state.SetIterationTime(now - before);
        before = now;
    }
    state.counters["reply_bytes"] = static_cast<double>(reply.dump().size());
}

void many_guests(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("guests")->Arg(500)->Unit(benchmark::kMillisecond);
}
void requests(benchmark::internal::Benchmark* benchmark) {
    benchmark->Apply(many_guests)->UseManualTime();
}
BENCHMARK_CAPTURE(daemon_request, status, "query-status", false)->Apply(requests);
BENCHMARK_CAPTURE(daemon_request, list, "query-guests", false)->Apply(requests);
BENCHMARK_CAPTURE(daemon_request, show, "query-guest", true)->Apply(requests);
BENCHMARK_CAPTURE(daemon_request, explain, "query-explanation", true)->Apply(requests);
BENCHMARK_CAPTURE(daemon_request, metrics, "query-metrics", false)->Apply(requests);

// What a tick costs the loop's thread: the minute's sums of the history, and handing the tick over.
void publish_tick(benchmark::State& state) {
    const test::TemporaryDirectory directory;
    Config config;
    config.state_directory = directory.path();
    config.history_file = directory.path("history.sqlite");
    config.run_time_policy.clear();
    control::Orders orders;
    control::Control control(config, "1.0", orders);
    const auto first = test::tick_of_guests(guests_of(state));
    std::int64_t time_ms = first->time_ms;
    std::shared_ptr<Tick> tick;
    for ([[maybe_unused]] auto _ : state) {
        state.PauseTiming();
        tick = std::make_shared<Tick>(*first);
        tick->time_ms = time_ms += first->interval.count();
        state.ResumeTiming();
        control.publish(tick);
    }
    control.finish(std::chrono::seconds(10));
}
BENCHMARK(publish_tick)->Apply(many_guests);

// What it costs the server's thread.
void take_tick(benchmark::State& state) {
    const test::TemporaryDirectory directory;
    const Config config{};
    control::Orders orders;
    control::Dispatch dispatch(
        control::Dispatch::Parts{config, "1.0", Freeze(directory.path()), orders, nullptr});
    const auto tick = test::tick_of_guests(guests_of(state));
    for ([[maybe_unused]] auto _ : state)
        dispatch.set_tick(tick);
}
BENCHMARK(take_tick)->Apply(many_guests);

// What it costs that thread in addition while somebody records: vnumactl record.
void publish_record(benchmark::State& state) {
    const auto tick = test::tick_of_guests(guests_of(state));
    const PlannerSettings settings;
    for ([[maybe_unused]] auto _ : state)
        benchmark::DoNotOptimize(
            JsonOut::parse(to_line({settings, tick->history, tick->snapshot, tick->plan})));
}
BENCHMARK(publish_record)->Apply(many_guests);

std::string table_of(const json& reply) {
    auto guests = ctl::Connection::read_reply<std::vector<GuestSummary>>("query-guests", reply);
    ctl::sort_guests(guests, "name");
    return ctl::format_list(guests, wide_terminal);
}

void list_from_reply(benchmark::State& state) {
    const auto tick = test::tick_of_guests(guests_of(state));
    const std::string reply = control::to_json(control::summarize_guests(*tick)).dump();
    for ([[maybe_unused]] auto _ : state)
        benchmark::DoNotOptimize(table_of(json::parse(reply)));
}
BENCHMARK(list_from_reply)->Apply(many_guests);

// With the connection, and the daemon's time.
void list_by_socket(benchmark::State& state) {
    const Daemon daemon(guests_of(state));
    for ([[maybe_unused]] auto _ : state) {
        ctl::Connection connection({daemon.socket()});
        benchmark::DoNotOptimize(table_of(connection.call("query-guests")));
    }
}
BENCHMARK(list_by_socket)->Apply(many_guests)->UseRealTime();

// Returns whether the command has ended well. Its output is lost.
bool run_vnumactl(const std::string& socket) {
    std::string program = VNUMA_VNUMACTL, connect = "--connect=" + socket, verb = "list";
    const std::array<char*, 4> arguments{program.data(), connect.data(), verb.data(), nullptr};
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t process = -1;
    const int error =
        ::posix_spawn(&process, program.c_str(), &files, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    int status = 0;
    return error == 0 && ::waitpid(process, &status, 0) == process && status == 0;
}

// The whole command, as its user waits for it.
void list_by_vnumactl(benchmark::State& state) {
    const Daemon daemon(guests_of(state));
    for ([[maybe_unused]] auto _ : state)
        if (!run_vnumactl(daemon.socket())) {
            state.SkipWithError("vnumactl list has failed");
            break;
        }
}
BENCHMARK(list_by_vnumactl)->Apply(many_guests)->UseRealTime();

}  // namespace
}  // namespace vnuma
