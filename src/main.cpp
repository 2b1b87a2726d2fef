// vnumad: keeps KVM guests and their memory on the same NUMA node.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstring>
#include <iostream>
#include <optional>

#include "src/controller.hpp"
#include "src/observe/requirements.hpp"
#include "src/record/record_file.hpp"
#include "src/record/replay.hpp"
#include "src/report/tick.hpp"

namespace {

namespace asio = boost::asio;
using namespace vnuma;

constexpr int exit_failed = 1;
constexpr int exit_bad_config = 2;
constexpr int exit_different = 1, exit_bad_recording = 2;  // of a replay

struct Arguments {
    std::string config_text;
    bool check_config = false;
    bool once = false;
    bool dry_run = false;
    std::string record_file;
    std::string replay_file;
};

void say_requirements(const Config& config) {
    const std::vector<std::string> missing = missing_abilities(probe_abilities(), config.mode);
    for (const std::string& problem : missing)
        spdlog::error("{}", problem);
    if (!missing.empty()) throw std::runtime_error("vnumad cannot work here");
    for (const std::string& rival : find_rivals())
        spdlog::warn("{}", rival);
}

// Says so once when something goes wrong, and once when it is over.
class Trouble {
  public:
    Trouble(const char* wrong, const char* over) : wrong_(wrong), over_(over) {}
    void update(const std::string& now) {
        if (now == last_) return;
        if (now.empty())
            spdlog::info("{}", over_);
        else
            spdlog::warn("{}: {}", wrong_, now);
        last_ = now;
    }

  private:
    const char *wrong_, *over_;
    std::string last_;
};

struct Troubles {
    Trouble blind{"blind, so nothing is changed", "seeing guests again"};
    Trouble policy{"what is said at run time stays as it was",
                   "what is said at run time is in force again"};
};

// One line of JSON for each tick; under systemd, stdout is the journal.
void report(const Tick& tick, const Host& host, Troubles& troubles) {
    std::cout
        << make_report(tick, host).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
        << std::endl;
    troubles.blind.update(tick.blind);
    troubles.policy.update(tick.policy_problem);
    sd_notifyf(0, "STATUS=%s, %zu guests", tick.blind.empty() ? "balancing" : "blind",
               tick.snapshot.guests.size());
}

// Balancing does not depend on it.
void record(const Tick& tick, const Config& config, RecordFile& file) {
    if (!tick.blind.empty() || file.closed()) return;
    const std::string problem =
        file.append(to_line({config.planner, tick.history, tick.snapshot, tick.plan}));
    if (!problem.empty()) spdlog::warn("recording ends: {}", problem);
}

// Runs the loop until it ends by itself or a signal ends it. One that cannot end (a libvirt call
// that hangs) is left behind after a grace.
class Service {
  public:
    // What is planned is recorded where there is a recording.
    Service(const Config& config, const Host& host, bool once, RecordFile* recording)
        : once_(once),
          controller_(config, host,
                      [this, &config, &host, recording](const Tick& tick) {
                          if (recording) record(tick, config, *recording);
                          report(tick, host, troubles_);
                      }),
          signals_(context_, SIGINT, SIGTERM, SIGHUP),
          grace_(context_) {}

    // Returns the exit status.
    int run() {
        auto on_end = [this](std::exception_ptr failure, bool seen) { end(failure, seen); };
        asio::co_spawn(context_, work(), asio::bind_cancellation_slot(stop_.slot(), on_end));
        signals_.async_wait([this](boost::system::error_code error, int signal) {
            if (!error) ask_to_end(signal);
        });
        context_.run();
        return status_;
    }

    // What was changed is as it was, as far as that can be waited for.
    void undo(bool pins) {
        if (pins) controller_.undo_pins();
        if (!cut_off_) controller_.end_tracking();
    }
    std::exception_ptr failure() const { return failure_; }
    bool hangs() const { return cut_off_ || controller_.hung_calls() > 0; }

  private:
    asio::awaitable<bool> work() {
        if (once_) co_return co_await controller_.run_once();
        co_await controller_.run();
        co_return true;
    }

    void ask_to_end(int signal) {
        spdlog::info("stopping on {}", strsignal(signal));
        stopping_ = true;
        stop_.emit(asio::cancellation_type::terminal);
        grace_.expires_after(stop_grace);
        grace_.async_wait([this](boost::system::error_code error) {
            if (error) return;
            spdlog::error("a call did not return in {} s; ending without it", stop_grace.count());
            cut_off_ = true;
            status_ = exit_failed;
            context_.stop();
        });
    }

    void end(std::exception_ptr failure, bool seen) {
        signals_.cancel();
        grace_.cancel();
        if (stopping_) return;
        failure_ = failure;
        status_ = seen ? 0 : exit_failed;
    }

    static constexpr std::chrono::seconds stop_grace{10};

    bool once_;
    asio::io_context context_{1};
    Troubles troubles_;
    Controller controller_;
    asio::signal_set signals_;
    asio::steady_timer grace_;
    asio::cancellation_signal stop_;
    bool stopping_ = false, cut_off_ = false;  // its worker has not returned
    int status_ = 0;
    std::exception_ptr failure_;
};

// A reader of our reports that goes away, or a second ^C, must not keep pins from being undone.
void ignore(std::initializer_list<int> signals) {
    for (const int signal : signals)
        std::signal(signal, SIG_IGN);
}

// Two descriptors for each guest, in two samples.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Config& config, const Arguments& arguments) {
    say_requirements(config);
    const Host host = read_host();
    if (host.topology.nodes.size() < 2)
        spdlog::warn(
            "this host has one NUMA node: there is nothing to balance, nothing is changed");
    ignore({SIGPIPE});
    raise_descriptor_limit();
    std::optional<RecordFile> recording;
    if (!arguments.record_file.empty()) recording.emplace(arguments.record_file);
    Service service(config, host, arguments.once, recording ? &*recording : nullptr);
    sd_notify(0, "READY=1");
    int status = service.run();
    sd_notify(0, "STOPPING=1");
    ignore({SIGINT, SIGTERM, SIGHUP});
    service.undo(config.undo_at_stop);
    try {
        if (service.failure()) std::rethrow_exception(service.failure());
    } catch (const std::exception& error) {
        spdlog::error("{}", error.what());
        status = exit_failed;
    }
    // Its worker would be waited for, for ever. What hangs is somebody's monitor, no failure.
    if (service.hangs()) std::_Exit(status);
    return status;
}

int run_replay(const std::string& file) {
    try {
        return replay(file, std::cout).different == 0 ? 0 : exit_different;
    } catch (const ReplayError& error) {
        spdlog::error("{}", error.what());
        return exit_bad_recording;
    }
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Keeps KVM guests and their memory on the same NUMA node."};
    Arguments arguments;
    app.add_option("--config", arguments.config_text, "configuration file (TOML)");
    app.add_flag("--check-config", arguments.check_config,
                 "check the configuration, print the values in effect, and exit");
    app.add_flag("--once", arguments.once, "look, plan and act once, report, and exit");
    app.add_flag("--dry-run", arguments.dry_run, "say what would be done, and change nothing");
    app.add_option("--record", arguments.record_file,
                   "write every plan, and what it was made of, to a file");
    app.add_option("--replay", arguments.replay_file,
                   "plan again what a file records, say what differs, and exit")
        ->excludes("--record");
    app.set_version_flag("--version", VNUMA_VERSION);
    CLI11_PARSE(app, argc, argv);

    // stdout is for reports.
    spdlog::set_default_logger(spdlog::stderr_logger_st("vnumad"));
    spdlog::set_pattern("%n: %v");
    try {
        if (!arguments.replay_file.empty()) return run_replay(arguments.replay_file);
        Config config;
        if (!arguments.config_text.empty()) config = load_config(arguments.config_text);
        if (arguments.check_config) {
            std::cout << to_toml(config);
            return 0;
        }
        if (arguments.dry_run) config.mode = Mode::advise;
        return run(config, arguments);
    } catch (const ConfigError& error) {
        for (const std::string& problem : error.problems)
            spdlog::error("{}", problem);
        return exit_bad_config;
    } catch (const std::exception& error) {
        spdlog::error("{}", error.what());
        return exit_failed;
    }
}
