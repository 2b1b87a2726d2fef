// vnumad: keeps KVM guests and their memory on the same NUMA node.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
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

asio::awaitable<void> run_until_signal(Controller& controller) {
    auto executor = co_await asio::this_coro::executor;
    asio::signal_set signals(executor, SIGINT, SIGTERM);
    auto either = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, controller.run(), asio::deferred),
        signals.async_wait(asio::deferred));
    auto [order, failure, no_signal, signal] =
        co_await either.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (order[0] == 0 && failure) std::rethrow_exception(failure);
    spdlog::info("stopping on {}", strsignal(signal));
}

asio::awaitable<void> serve(Controller& controller, bool once, int& status) {
    if (once) {
        const bool seen = co_await controller.run_once();
        status = seen ? 0 : exit_failed;
    } else {
        co_await run_until_signal(controller);
    }
}

int run(const Config& config, bool once) {
    say_requirements(config);
    const Host host = read_host();
    if (host.topology.nodes.size() < 2)
        spdlog::warn(
            "this host has one NUMA node: there is nothing to balance, nothing is changed");
    std::string last_blind;
    Controller controller(config, host, [&](const Tick& tick) { report(tick, host, last_blind); });
    asio::io_context context(1);
    std::exception_ptr failure;
    int status = 0;
    asio::co_spawn(context, serve(controller, once, status),
                   [&](std::exception_ptr thrown) { failure = thrown; });
    sd_notify(0, "READY=1");
    context.run();
    sd_notify(0, "STOPPING=1");
    // What one look decided is meant to stay; a daemon that ends lets go.
    if (config.undo_at_stop && !once) controller.undo_pins();
    if (failure) std::rethrow_exception(failure);
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
