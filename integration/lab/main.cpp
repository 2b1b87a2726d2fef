// vnuma-lab: a NUMA host with a real KVM, of any shape, for any command.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "integration/lab/agent.hpp"
#include "integration/lab/machine.hpp"
#include "integration/lab/terminal.hpp"

namespace {

namespace fs = std::filesystem;
using namespace vnuma::lab;

// As env(1) and timeout(1) do, statuses of our own stand apart from the command's.
constexpr int exit_lab_failed = 125;

struct Arguments {
    std::string topology = "two-nodes";
    int timeout_s = 600;
    int boot_timeout_s = 180;
    std::string kernel_root;
    std::string emulator;
    bool terminal = false;
    bool verbose = false;
    std::vector<std::string> argv;
};

// Where ./bootstrap deps unpacks the lab's kernel and emulator.
fs::path lab_home() {
    if (const char* home = std::getenv("VNUMA_LAB_HOME")) return home;
    if (const char* cache = std::getenv("XDG_CACHE_HOME")) return fs::path(cache) / "vnumad/lab";
    const char* home = std::getenv("HOME");
    return fs::path(home ? home : "/root") / ".cache/vnumad/lab";
}

Topology load_topology(const std::string& name) {
    fs::path file = name;
    if (!fs::exists(file)) file = fs::path(VNUMA_TOPOLOGIES) / (name + ".json");
    std::ifstream in(file);
    if (!in)
        throw TopologyError(name + ": no such file, and no topology of that name in " +
                            VNUMA_TOPOLOGIES);
    std::ostringstream text;
    text << in.rdbuf();
    return parse_topology(text.str(), file.string());
}

void choose_emulator(const Arguments& arguments, MachineOptions& options) {
    const fs::path fetched = lab_home() / "usr/bin/qemu-system-x86_64";
    if (!arguments.emulator.empty()) {
        options.emulator = arguments.emulator;
    } else if (fs::exists(fetched)) {
        options.emulator = fetched;
        options.firmware = lab_home() / "usr";
    } else {
        throw std::runtime_error(fetched.string() +
                                 " is missing: run ./bootstrap deps, or give --emulator");
    }
}

Command make_command(const Arguments& arguments) {
    Command command{arguments.argv, fs::current_path().string(), {}, arguments.terminal, {}};
    const auto keep = [&](const char* name, const char* otherwise) {
        const char* value = std::getenv(name);
        if (value || otherwise) command.environment[name] = value ? value : otherwise;
    };
    keep("HOME", "/root");
    for (const char* name : {"LANG", "LC_ALL", "LC_CTYPE"})
        keep(name, nullptr);
    keep("TERM", nullptr);
    // sbin too: not every caller has it, and what manages a host lives there.
    command.environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    if (arguments.terminal) command.size = terminal_size();
    return command;
}

void report(const HostFailure& failure) {
    std::cerr << "vnuma-lab: " << failure.what << "\n";
    if (!failure.oops.empty()) std::cerr << "vnuma-lab: its kernel said: " << failure.oops << "\n";
    std::cerr << "vnuma-lab: its console is in " << failure.console_file.string() << "\n";
}

int run(const Arguments& arguments) {
    MachineOptions options;
    options.topology = load_topology(arguments.topology);
    choose_emulator(arguments, options);
    options.kernel_root =
        arguments.kernel_root.empty() ? lab_home() : fs::path(arguments.kernel_root);
    options.agent = fs::read_symlink("/proc/self/exe");
    options.timeout = std::chrono::seconds(arguments.timeout_s);
    options.boot_timeout = std::chrono::seconds(arguments.boot_timeout_s);
    options.report_boot = arguments.verbose;
    options.command = make_command(arguments);

    const MachineResult result = run_machine(options);
    if (result.exit_status) return *result.exit_status;
    report(result.failure);
    return exit_lab_failed;
}

void require_terminal() {
    if (!::isatty(STDIN_FILENO))
        throw std::runtime_error(
            "standard input is no terminal; use run, without --terminal, which needs none");
}

int shell(Arguments arguments) {
    require_terminal();
    arguments.argv = {"bash", "-l"};
    arguments.terminal = true;
    std::cerr << "vnuma-lab: booting; the shell ends with ^D\n";
    return run(arguments);
}

void add_host_options(CLI::App& command, Arguments& arguments) {
    command
        .add_option("--topology", arguments.topology,
                    "shape of the host: a JSON file, or a name in " VNUMA_TOPOLOGIES)
        ->capture_default_str();
    command.add_option("--timeout", arguments.timeout_s, "seconds until the host is killed")
        ->check(CLI::Range(1, 24 * 3600))
        ->capture_default_str();
    command
        .add_option("--boot-timeout", arguments.boot_timeout_s,
                    "seconds until a host that is not up counts as crashed")
        ->check(CLI::Range(1, 3600))
        ->capture_default_str();
    command.add_option("--kernel", arguments.kernel_root,
                       "directory with boot/vmlinuz-* and lib/modules/* below it");
    command.add_option("--emulator", arguments.emulator, "another qemu-system-x86_64");
    command.add_flag("-v,--verbose", arguments.verbose, "say when the host is up");
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"A NUMA host with a real KVM, in software, for any command."};
    app.require_subcommand(1);
    Arguments arguments;
    CLI::App* run_command = app.add_subcommand("run", "boot a host, run COMMAND in it as root");
    add_host_options(*run_command, arguments);
    run_command->add_option("command", arguments.argv, "COMMAND and its arguments, after --")
        ->required();
    run_command->add_flag("-t,--terminal", arguments.terminal,
                          "give COMMAND this terminal, as shell does");
    CLI::App* shell_command = app.add_subcommand("shell", "boot a host, open a shell in it");
    add_host_options(*shell_command, arguments);
    CLI::App* agent_command = app.add_subcommand("agent", "")->group("");
    CLI11_PARSE(app, argc, argv);
    try {
        if (agent_command->parsed()) {
            run_agent();
            return 0;
        }
        if (shell_command->parsed()) return shell(arguments);
        if (arguments.terminal) require_terminal();
        return run(arguments);
    } catch (const std::exception& error) {
        std::cerr << "vnuma-lab: " << error.what() << "\n";
        return exit_lab_failed;
    }
}
