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

#include "src/controller.hpp"
#include "src/requirements.hpp"

namespace {

namespace asio = boost::asio;
using namespace vnuma;

constexpr int exit_failed = 1;
constexpr int exit_bad_config = 2;

struct Arguments {
    std::string config_file;
    bool check_config = false;
    bool once = false;
    bool dry_run = false;
};

void say_requirements(const Config& config) {
    const std::vector<std::string> missing = missing_abilities(probe_abilities(), config.mode);
    for (const std::string& problem : missing)
        spdlog::error("{}", problem);
    if (!missing.empty()) throw std::runtime_error("vnumad cannot work here");
    for (const std::string& rival : find_rivals())
        spdlog::warn("{}", rival);
}

// One line of JSON for each tick; under systemd, stdout is the journal.
void report(const Tick& tick, const Host& host, std::string& last_blind) {
    std::cout
        << make_report(tick, host).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
        << std::endl;
    if (tick.blind != last_blind) {
        if (tick.blind.empty())
            spdlog::info("seeing guests again");
        else
            spdlog::warn("blind, so nothing is changed: {}", tick.blind);
        last_blind = tick.blind;
    }
    sd_notifyf(0, "STATUS=%s, %zu guests", tick.blind.empty() ? "balancing" : "blind",
               tick.snapshot.guests.size());
}

// Runs the loop until it ends by itself or a signal ends it. One that cannot end (a libvirt call
// that hangs) is left behind after a grace.
class Service {
  public:
    Service(const Config& config, const Host& host, bool once)
        : once_(once),
          controller_(config, host, [&](const Tick& tick) { report(tick, host, last_blind_); }),
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

    void undo_pins() { controller_.undo_pins(); }
    std::exception_ptr failure() const { return failure_; }
    bool hangs() const { return hangs_ || controller_.hung_calls() > 0; }

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
            hangs_ = true;
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
    std::string last_blind_;
    Controller controller_;
    asio::signal_set signals_;
    asio::steady_timer grace_;
    asio::cancellation_signal stop_;
    bool stopping_ = false, hangs_ = false;
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

int run(const Config& config, bool once) {
    say_requirements(config);
    const Host host = read_host();
    if (host.topology.nodes.size() < 2)
        spdlog::warn(
            "this host has one NUMA node: there is nothing to balance, nothing is changed");
    ignore({SIGPIPE});
    raise_descriptor_limit();
    Service service(config, host, once);
    sd_notify(0, "READY=1");
    int status = service.run();
    sd_notify(0, "STOPPING=1");
    ignore({SIGINT, SIGTERM, SIGHUP});
    if (config.undo_at_stop) service.undo_pins();
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

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Keeps KVM guests and their memory on the same NUMA node."};
    Arguments arguments;
    app.add_option("--config", arguments.config_file, "configuration file (TOML)");
    app.add_flag("--check-config", arguments.check_config,
                 "check the configuration, print the values in effect, and exit");
    app.add_flag("--once", arguments.once, "look, plan and act once, report, and exit");
    app.add_flag("--dry-run", arguments.dry_run, "say what would be done, and change nothing");
    app.set_version_flag("--version", VNUMA_VERSION);
    CLI11_PARSE(app, argc, argv);

    // stdout is for reports.
    spdlog::set_default_logger(spdlog::stderr_logger_st("vnumad"));
    spdlog::set_pattern("%n: %v");
    try {
        Config config;
        if (!arguments.config_file.empty()) config = load_config(arguments.config_file);
        if (arguments.check_config) {
            std::cout << to_toml(config);
            return 0;
        }
        if (arguments.dry_run) config.mode = Mode::advise;
        return run(config, arguments.once);
    } catch (const ConfigError& error) {
        for (const std::string& problem : error.problems)
            spdlog::error("{}", problem);
        return exit_bad_config;
    } catch (const std::exception& error) {
        spdlog::error("{}", error.what());
        return exit_failed;
    }
}
