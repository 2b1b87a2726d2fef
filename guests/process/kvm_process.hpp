// What the open files and threads of a process say about the KVM VM that it holds. Pure.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

namespace vnuma {

// Files of KVM among a process' open files.
struct KvmFiles {
    std::vector<int> vms;  // numbers of the descriptors of VMs
    std::set<int> vcpus;   // KVM's numbers of vCPUs: on x86 their APIC ids

    // Whether the process is a guest's: it holds a VM with vCPUs.
    bool is_guest() const { return !vms.empty() && !vcpus.empty(); }

    friend bool operator==(const KvmFiles&, const KvmFiles&) = default;
};

// Adds a link of /proc/PID/fd: the descriptor's number and the link's target. Others than KVM's
// "anon_inode:kvm-vm" and "anon_inode:kvm-vcpu:3" are ignored.
void add_file(KvmFiles& files, std::string_view descriptor, std::string_view target);

// A VM in KVM's debugfs, a directory named "PID-FD".
struct KvmVm {
    pid_t maker = 0;                 // the thread that made it; may have ended
    int descriptor = 0;              // at which its maker has it open
    std::map<int, pid_t> threads{};  // by KVM's number of the vCPU; 0 for one that never ran
};

// Nothing for other entries of debugfs' directory, such as "exits".
std::optional<KvmVm> parse_vm_directory(std::string_view name);

// Nothing for entries of a VM's directory that are no "vcpu3".
std::optional<int> parse_vcpu_directory(std::string_view name);

// Whether a VM may be the process': its descriptor is one of the process' VMs.
bool may_hold(const KvmFiles& files, const KvmVm& vm);

// The threads of a VM that are the process', by KVM's number; none if the VM is another process'.
// debugfs has the kernel's own numbers of threads. They are those of /proc unless vnumad runs in a
// pid namespace, and then a VM's threads are hardly all threads of one process by chance.
std::map<int, pid_t> threads_of(const KvmVm& vm, const std::set<pid_t>& tasks);

// Which threads run a guest's vCPUs, and how that is known.
struct VcpuThreads {
    enum class Source {
        none,        // nothing tells
        names,       // the names of threads
        some_names,  // the names of threads, but KVM has more vCPUs than threads have names
        bpf,         // what KVM itself knows, read by a BPF program
        kvm          // KVM's debugfs
    };
    std::map<int, pid_t> threads{};  // by the guest's number of the vCPU
    Source source = Source::none;
};

// `by_kvm` is what threads_of() returns, `by_name` the threads whose names are those of vCPUs, by
// the number in the name. KVM is right about the threads and names about the numbers: KVM's numbers
// leave some out where a guest's sockets have no power of two of cores. Without names, all vCPUs
// that KVM has are counted in the order of its numbers, those without a thread too. One that is
// unplugged stays among them, since QEMU keeps its file.
VcpuThreads join_vcpu_threads(const KvmFiles& files, const std::map<int, pid_t>& by_kvm,
                              const std::map<int, pid_t>& by_name);

}  // namespace vnuma
