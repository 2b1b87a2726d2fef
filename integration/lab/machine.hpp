// One lab host: QEMU with software emulation, from its start to its end.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "integration/lab/command.hpp"
#include "integration/lab/topology.hpp"

namespace vnuma::lab {

struct MachineOptions {
    Topology topology;
    std::filesystem::path emulator;     // a qemu-system-x86_64
    std::filesystem::path firmware;     // below it share/qemu and share/seabios; empty: built in
    std::filesystem::path kernel_root;  // see Kernel
    std::filesystem::path agent;        // this program, as the host will see it
    std::chrono::seconds timeout{600};
    std::chrono::seconds boot_timeout{180};  // of those: until it is up
    bool report_boot = false;                // a line on stderr when the host is up
    Command command;
};

// Why a host ended without an exit status of the command.
struct HostFailure {
    std::string what;
    std::string oops;                    // the kernel's own words, if it left any
    std::filesystem::path console_file;  // kept
};

struct MachineResult {
    std::optional<int> exit_status;
    HostFailure failure;  // when there is no status
};

// Runs the command in a new host; its output goes to our stdout and stderr as it comes. Blocks.
// QEMU is gone when this returns, whatever happened; it dies with us if we are killed.
// Throws std::runtime_error when the host cannot be started at all.
MachineResult run_machine(MachineOptions options);

// The first line of a kernel's console that tells of its death, or nothing; pure.
std::string find_oops(const std::string& console);

}  // namespace vnuma::lab
