// What VMMs call their threads and themselves. Pure.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "guests/model/run_state.hpp"

namespace vnuma {

// KVM allows fewer vCPUs in one VM, so a larger number is no vCPU's.
inline constexpr int max_vcpu_number = 65535;

// The vCPU of a thread by its name, with or without the newline of /proc/TASK/comm:
// "CPU 3/KVM" (QEMU, where threads are named), "vcpu3" (cloud-hypervisor), "fc_vcpu 3"
// (Firecracker), "crosvm_vcpu3" (crosvm), "kvm-vcpu-3" (kvmtool).
std::optional<int> parse_vcpu_thread_name(std::string_view name);

// What a thread of this name does to its guest: `migrating` and `saving` for the threads that QEMU
// has meanwhile, `running` for all others.
RunState state_by_thread_name(std::string_view name);

// The program of an executable as /proc/PID/exe shows it: without folders and without the kernel's
// remark that the file is deleted.
std::string program_of(std::string_view executable);

// Whether a program is QEMU by its name: "qemu-system-x86_64", "kvm" (Proxmox, Debian), "qemu-kvm"
// (RHEL), ".qemu-system-x86_64-wrapped" (NixOS). A program that is not may still have QEMU's
// command line.
bool is_qemu(std::string_view program);

// The name that a command line gives a guest: "--id" (Firecracker) and "--name" (crosvm, kvmtool),
// as a word before it or with "=". `command_line` is the text of /proc/PID/cmdline. Empty without.
std::string find_name_argument(std::string_view command_line);

// A name for a guest that tells none: the program, the pod and the innermost control group that
// says more than its role, "firecracker-pod1a2b3c4d-0123456789ab". `cgroup` is a path as in
// /proc/PID/cgroup. The same for each start of a service; two guests of one group have one name.
std::string name_by_group(std::string_view program, std::string_view cgroup);

// Whoever starts a guest chooses its name, and must not write lines into a log.
std::string in_one_line(std::string_view text);

}  // namespace vnuma
