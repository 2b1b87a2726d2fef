// vnumad: keeps KVM guests and their memory on the same NUMA node.
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "guests/discovery/calls_with_timeout.hpp"
#include "guests/discovery/defined_guests.hpp"
#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/libvirt_limits.hpp"
#include "guests/tracking/choose_trackers.hpp"
#include "src/act/restore.hpp"
#include "src/check_config.hpp"
#include "src/control/control.hpp"
#include "src/controller.hpp"
#include "src/observe/privileges.hpp"
#include "src/observe/requirements.hpp"
#include "src/record/record_reader.hpp"
#include "src/record/replay.hpp"
#include "src/report/tick_output.hpp"
#include "src/seccomp_filter.hpp"
#include "src/service.hpp"
#include "src/state_directory.hpp"

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
    bool restore = false, unless_kept = false;
    std::string replay_file;
    TickOutputSettings output;
};

void check_requirements(const std::vector<CapabilityUse>& uses) {
    const std::vector<std::string> missing = missing_abilities(probe_abilities(), uses);
    for (const std::string& problem : missing)
        spdlog::error("{}", problem);
    if (!missing.empty()) throw std::runtime_error("vnumad cannot work here");
}

// A reader of our reports or a libvirtd that goes away, or a second ^C, must not keep pins from
// being undone.
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

// What a vnumad that was killed has left, or one that was to keep its pins. Returns whether all of
// it is put back.
bool restore_all(const Config& config, Journal& journal) {
    const auto kernel = open_kernel(config.libvirt);
    bool complete = true;
    for (const Restored& restored : restore(*kernel, journal)) {
        complete &= restored.outcome != PutBack::failed;
        if (restored.outcome != PutBack::ended) spdlog::info("restored: {}", describe(restored));
    }
    return complete;
}

// `vnumad --restore`. The exit status. Where there is no state directory, the kernel may have
// leftovers all the same.
int run_restore(const Config& config, bool unless_kept) {
    prepare_state_directory(config.state_directory);
    const InstanceLock lock(config.state_directory);
    Journal journal(journal_file(config.state_directory));
    remove_leftovers(Roots());
    if (unless_kept && journal.is_kept()) return EXIT_SUCCESS;
    return restore_all(config, journal) ? EXIT_SUCCESS : EXIT_FAILURE;
}

// What is left is put back whatever has become of the configuration since.
Config config_for_restore(const std::string& file) {
    if (file.empty()) return {};
    try {
        return load_config(file);
    } catch (const ConfigError& error) {
        for (const std::string& problem : error.problems)
            spdlog::warn("{}", problem);
        Config defaults;
        spdlog::warn("the default state_directory {} is used", defaults.state_directory);
        return defaults;
    }
}

void put_back_at_stop(Controller& controller) {
    const auto restored = controller.undo_pins();
    if (!restored) {
        spdlog::warn("threads stay pinned: a call that changes pins does not return");
        return;
    }
    for (const Restored& one : *restored)
        if (one.outcome == PutBack::failed) spdlog::warn("{}", describe(one));
}

void keep_at_stop(Journal& journal) {
    try {
        journal.keep();
    } catch (const std::system_error& error) {
        spdlog::warn("the unit puts pins back that were to be kept: {}", error.what());
    }
}

// A vnumad that does not act puts back what one that was killed has left, too, but not in a dry
// run. Where nothing is left, mode observe writes nothing, not even the lock's file. Returns
// whether accesses may be tracked: not while another vnumad acts, whose trackers would be
// disturbed.
bool clean_up_before_observing(const Config& config, bool dry_run) {
    if (::access(config.state_directory.c_str(), F_OK) != 0) return true;
    try {
        if (config.mode == Mode::observe &&
            Journal(journal_file(config.state_directory)).entries().empty())
            return true;
        if (dry_run)
            InstanceLock{config.state_directory};
        else
            run_restore(config, false);
        return true;
    } catch (const StateError& error) {
        spdlog::warn("accesses are not tracked, and nothing is put back: {}", error.what());
        return false;
    }
}

// The threads that are there by now have no capabilities, or none but these.
void confine(const Config& config, const std::vector<CapabilityUse>& uses) {
    keep_capabilities(uses);
    if (config.seccomp)
        refuse_other_calls(allowed_calls(config, static_cast<std::uint32_t>(::getpid())));
}

// Runs until it is told to stop. The exit status.
int serve(Service& service) {
    int status = EXIT_FAILURE;
    sd_notify(0, "READY=1");
    try {
        status = service.run();
    } catch (const std::exception& error) {
        spdlog::error("{}", error.what());
    }
    sd_notify(0, "STOPPING=1");
    ignore({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2});
    return status;
}

int run(const Config& config, const Arguments& arguments, LineWriter& log) {
    ignore({SIGUSR1, SIGUSR2});  // until the service handles them
    const std::vector<CapabilityUse> uses = enabled_uses(config, ::geteuid() == 0);
    check_requirements(uses);
    const bool acts = config.mode == Mode::act;
    std::optional<InstanceLock> lock;
    // Two looks at the guests are too few to find out which memory they access.
    bool track = !arguments.once;
    if (acts) {
        prepare_state_directory(config.state_directory);
        lock.emplace(config.state_directory);
    } else {
        track &= clean_up_before_observing(config, arguments.dry_run);
    }
    Journal journal(acts ? journal_file(config.state_directory) : "");
    if (acts) remove_leftovers(Roots());
    HandsOffGuests hands_off(hands_off_directory(config.state_directory), acts);
    const Host host = read_host();
    if (host.topology.nodes.size() < 2)
        spdlog::warn("this host has one NUMA node: there is nothing to balance");
    raise_descriptor_limit();
    SteadyClock clock;
    control::Orders orders([&clock] { clock.wake(); });
    std::optional<control::Control> control;
    if (!arguments.once) control.emplace(config, VNUMA_VERSION, orders);
    HostEventFiles events = open_host_events();
    confine(config, uses);
    // Afterwards, since a call to libvirt that hangs leaves a thread behind.
    if (acts && !restore_all(config, journal))
        spdlog::warn("some threads keep the CPUs of a former run");
    TickOutput output(config, arguments.output);
    const auto kernel = acts ? open_kernel(config.libvirt) : open_dry_run();
    auto source = make_source(config);
    source->set_on_hint([&clock] { clock.wake(); });
    const auto observer = observe_host(config, std::move(source), track);
    if (control) output.tell_also([&](const auto& happenings) { control->tell(happenings); });
    const auto report = [&](const std::shared_ptr<const Tick>& tick) {
        output.report(*tick);
        if (control) control->publish(tick);
    };
    Controller controller(config, host, *observer, *kernel, clock, journal, hands_off, orders,
                          {[&](const Tick& tick) { output.record(tick); }, report});
    Service service(controller, clock, std::move(events), Freeze(config.state_directory),
                    arguments.once);
    const int status = serve(service);
    if (config.restore_at_stop)
        put_back_at_stop(controller);
    else
        keep_at_stop(journal);
    if (!service.is_cut_off()) observer->end();
    bool written = output.finish(output_patience);
    if (control) written &= control->finish(output_patience);
    if (!written || service.is_cut_off() || observer->hung_calls() > 0) {
        // Destructors would wait, for ever, for the thread whose call does not return.
        log.finish(output_patience);
        std::_Exit(status);
    }
    return status;
}

// `vnumad --check-config` of a configuration that can be read. What nobody can know of a file alone
// is no mistake of it. The exit status.
int run_check(const Config& config, LineWriter& log) {
    std::cout << to_toml(config);
    std::cout.flush();
    CallsWithTimeout calls;
    const auto ask_libvirt = [&]() -> std::vector<GuestIdentity> {
        auto guests = calls.run(
            "", [libvirt = config.libvirt] { return list_defined_guests(libvirt); },
            libvirt_limits::connect + libvirt_limits::list_domains);
        if (!guests) throw SourceError("libvirt at " + config.libvirt.uri + " does not answer");
        return std::move(*guests);
    };
    for (const std::string& line : check_sections(config, ask_libvirt))
        spdlog::warn("{}", line);
    if (calls.hung() > 0) {
        // The destructor would wait for the call.
        log.finish(output_patience);
        std::_Exit(EXIT_SUCCESS);
    }
    return EXIT_SUCCESS;
}

int run_replay(const std::string& file) {
    try {
        return replay(file, std::cout).different == 0 ? 0 : exit_different;
    } catch (const RecordingError& error) {
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
    app.add_flag("--restore", arguments.restore,
                 "give threads back what their owners allow, where a vnumad that has ended left "
                 "them pinned, and exit");
    app.add_flag("--unless-kept", arguments.unless_kept,
                 "with --restore: not what vnumad was configured to keep")
        ->needs("--restore");
    app.set_version_flag("--version", VNUMA_VERSION);
    CLI11_PARSE(app, argc, argv);

    const auto log = log_to_stderr();
    ignore({SIGPIPE});
    int status = EXIT_FAILURE;
    try {
        Config config = arguments.restore               ? config_for_restore(arguments.config_file)
                        : arguments.config_file.empty() ? Config()
                                                        : load_config(arguments.config_file);
        if (arguments.dry_run) config.mode = Mode::advise;
        if (!arguments.replay_file.empty()) {
            status = run_replay(arguments.replay_file);
        } else if (arguments.check_config) {
            status = run_check(config, *log);
        } else if (arguments.restore) {
            status = run_restore(config, arguments.unless_kept);
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
