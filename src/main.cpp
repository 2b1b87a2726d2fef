// vnumad: keeps KVM guests and their memory on the same NUMA node.
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "src/controller.hpp"
#include "src/observe/requirements.hpp"
#include "src/record/replay.hpp"
#include "src/report/tick_output.hpp"
#include "src/service.hpp"

namespace {

using namespace vnuma;

constexpr int exit_bad_config = 2;
constexpr int exit_different = 1, exit_bad_recording = 2;  // of a replay
// How long the last reports and messages may take to be written.
constexpr std::chrono::milliseconds output_patience{1000};

struct Arguments {
    std::string config_file;
    bool check_config = false;
    bool once = false;
    bool dry_run = false;
    std::string replay_file;
    TickOutputSettings output;
};

void check_requirements(const Config& config) {
    const std::vector<std::string> missing = missing_abilities(probe_abilities(), config.mode);
    for (const std::string& problem : missing)
        spdlog::error("{}", problem);
    if (!missing.empty()) throw std::runtime_error("vnumad cannot work here");
    for (const std::string& rival : find_rivals())
        spdlog::warn("{}", rival);
}

// A reader of our reports that goes away, or a second ^C, must not keep pins from being undone.
void ignore(std::initializer_list<int> signals) {
    for (const int signal : signals)
        std::signal(signal, SIG_IGN);
}

// Each guest takes two descriptors in each of two samples.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Config& config, const Arguments& arguments, LineWriter& log) {
    check_requirements(config);
    const Host host = read_host();
    if (host.topology.nodes.size() < 2)
        spdlog::warn("this host has one NUMA node: there is nothing to balance");
    ignore({SIGPIPE});
    raise_descriptor_limit();
    TickOutput output(config, arguments.output);
    const auto kernel = config.mode == Mode::act ? open_kernel() : open_dry_run();
    // Two looks at the guests are too few to find out which memory they access.
    const auto observer = observe_host(config, make_source(config), !arguments.once);
    SteadyClock clock;
    Controller controller(config, host, *observer, *kernel, clock,
                          {[&](const Tick& tick) { output.record(tick); },
                           [&](const Tick& tick) { output.report(tick); }});
    Service service(controller, arguments.once);
    sd_notify(0, "READY=1");
    int status = EXIT_FAILURE;
    try {
        status = service.run();
    } catch (const std::exception& error) {
        spdlog::error("{}", error.what());
    }
    sd_notify(0, "STOPPING=1");
    ignore({SIGINT, SIGTERM, SIGHUP});
    if (config.undo_at_stop && !controller.undo_pins())
        spdlog::warn("vCPUs stay pinned: a call that changes pins does not return");
    if (!service.is_cut_off()) observer->end();
    const bool written = output.finish(output_patience);
    if (!written || service.is_cut_off() || observer->hung_calls() > 0) {
        // Destructors would wait, for ever, for the thread whose call does not return.
        log.finish(output_patience);
        std::_Exit(status);
    }
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
    app.add_option("--config", arguments.config_file, "configuration file (TOML)");
    app.add_flag("--check-config", arguments.check_config,
                 "check the configuration, print the values in effect, and exit");
    app.add_flag("--once", arguments.once, "look, plan and act once, and exit");
    app.add_flag("--dry-run", arguments.dry_run, "tell what would be done, and change nothing");
    app.add_option("--report", arguments.output.report_file,
                   "write a report of every tick, one line of JSON, to a file; - is stdout");
    app.add_option("--record", arguments.output.record_file,
                   "write every plan, and what it was made from, to a file")
        ->check([](const std::string& file) {
            return file == "-" ? "a recording needs a file" : std::string();
        });
    app.add_option("--replay", arguments.replay_file,
                   "plan again what a file records, tell what differs, and exit")
        ->excludes("--record");
    app.set_version_flag("--version", VNUMA_VERSION);
    CLI11_PARSE(app, argc, argv);

    const auto log = log_to_stderr();
    int status = EXIT_FAILURE;
    try {
        Config config;
        if (!arguments.config_file.empty()) config = load_config(arguments.config_file);
        if (arguments.dry_run) config.mode = Mode::advise;
        if (!arguments.replay_file.empty()) {
            status = run_replay(arguments.replay_file);
        } else if (arguments.check_config) {
            std::cout << to_toml(config);
            status = EXIT_SUCCESS;
        } else {
            status = run(config, arguments, *log);
        }
    } catch (const ConfigError& error) {
        for (const std::string& problem : error.problems)
            spdlog::error("{}", problem);
        status = exit_bad_config;
    } catch (const std::exception& error) {
        spdlog::error("{}", error.what());
    }
    std::cout.flush();
    if (!log->finish(output_patience)) std::_Exit(status);
    spdlog::shutdown();
    return status;
}
