// What this machine, its kernel, libvirt and QEMU have that vnumad can use. Needs no daemon, and
// changes nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "src/observe/requirements.hpp"
#include "src/observe/rivals.hpp"

namespace vnuma::ctl {

struct HostFacts {
    std::optional<std::size_t> nodes;  // none: the kernel does not tell
    std::size_t cpus = 0;              // online
    bool numa_off = false;             // by the kernel's command line
    bool kvm_device = false;           // /dev/kvm
    std::string virtualization;        // flag of the CPU: "vmx" or "svm"; empty if it has neither
    std::string kernel;                // release
    bool is_root = false;
    Abilities abilities{};
    bool damon = false;        // its files in sysfs
    int kdamonds = 0;          // that exist
    bool idle_pages = false;   // /sys/kernel/mm/page_idle
    bool btf = false;          // types of the kernel, for BPF programs
    bool locked_down = false;  // BPF programs may not read the kernel's memory
    int cgroup_version = 0;    // 0: none is mounted
    bool pressure = false;     // /proc/pressure/memory
    RivalReading rivals{};
    std::string libvirt_socket;      // that exists; empty if none does
    bool libvirt_answers = false;    // somebody listens there
    std::string qemu, qemu_version;  // program, and what it says of itself; empty if there is none
    bool vnumad_answers = false;     // somebody listens at a control socket
    bool vnumad_forbidden = false;   // this user may open none of those that are there
};

// Where they are read. Replaced in tests.
struct HostRoots {
    std::string proc = "/proc", sys = "/sys", dev = "/dev", run = "/run", var = "/var";
    // Directories of programs, besides PATH.
    std::vector<std::string> programs{"/usr/bin", "/usr/libexec", "/usr/local/bin"};
    std::vector<std::string> control_sockets{};
};

// Starts `qemu --version`. Blocks for as long as that takes.
HostFacts read_host_facts(const HostRoots& roots = {});

}  // namespace vnuma::ctl
