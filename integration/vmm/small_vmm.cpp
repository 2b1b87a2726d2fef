// A small VMM that is not QEMU, for scenarios: like cloud-hypervisor it has the guest's RAM in a
// memfd, threads that are named after their vCPUs, and no libvirt.
//
//   small-vmm VCPUS MIB FILE [NAME [REST]]
//
// The guest is a program of 25 bytes that every vCPU runs on a part of the RAM of its own. At the
// start everything is on the wrong node: the part of vCPU N is on node N (of the online nodes, over
// and over), and the vCPU runs on the next node until it has accessed its first MiB. From then on
// all threads may use all CPUs that they could use before. The threads of vCPUs are named NAME with
// the vCPU's number, "vcpu0" without it. Between two MiB a vCPU rests for REST milliseconds, 20
// without it.
//
// Every 100 ms, and not more often than a vCPU rests, a line is written to FILE: milliseconds since
// the start, and for each vCPU how many MiB it has accessed so far. Whoever pauses the guest shows
// there. SIGTERM ends the VMM, with status 1 if the RAM is not as the vCPUs have left it.
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "integration/host/files.hpp"

namespace vnuma::vmm {
namespace {

using lab::affinity_of;
using lab::node_cpus;
using lab::online_nodes;
using lab::set_affinity;
using std::chrono::milliseconds;

constexpr std::size_t mib = std::size_t{1} << 20, page_bytes = 4096;
constexpr int max_vcpus = 16;
constexpr int max_mib = 2048;  // all below the addresses that a PC has no RAM at
constexpr milliseconds progress_interval{100};
// So that a vCPU uses a small part of a CPU.
constexpr milliseconds usual_rest{20}, longest_rest{60'000};

// Guest-physical addresses. The first MiB holds the program; the vCPUs' parts follow.
constexpr std::size_t program_start = 4096, parts_start = mib;

// For each vCPU, EBX is where its part starts and ESI where it ends. It increments one byte of each
// page, over and over, and halts after each MiB, so that KVM_RUN returns.
constexpr std::array<unsigned char, 25> program{
    0x89, 0xdf,                          // again: mov edi, ebx
    0xfe, 0x07,                          // next:  inc byte [edi]
    0x81, 0xc7, 0x00, 0x10, 0x00, 0x00,  //        add edi, 4096
    0xf7, 0xc7, 0xff, 0xff, 0x0f, 0x00,  //        test edi, 0xfffff
    0x75, 0xf0,                          //        jnz next
    0xf4,                                //        hlt
    0x39, 0xf7,                          //        cmp edi, esi
    0x72, 0xeb,                          //        jb next
    0xeb, 0xe7};                         //        jmp again

// Any thread may call it, so it ends the process without running destructors.
[[noreturn]] void fail(const std::string& what, const char* why = std::strerror(errno)) {
    std::fprintf(stderr, "small-vmm: %s: %s\n", what.c_str(), why);
    std::_Exit(1);
}

int checked(int result, const char* what) {
    if (result < 0) fail(what);
    return result;
}

// Confines the calling thread to a node for the lifetime of the object. Memory that it is the first
// to access is allocated there. vnumad would respect a memory policy as the owner's; this is none.
class OnNode {
  public:
    explicit OnNode(std::size_t number) : before_(affinity_of(0)) {
        const std::vector<int> nodes = online_nodes();
        set_affinity(0, node_cpus(nodes.at(number % nodes.size())));
    }
    ~OnNode() { set_affinity(0, before_); }
    OnNode(const OnNode&) = delete;
    OnNode& operator=(const OnNode&) = delete;

  private:
    std::vector<int> before_;
};

// The file stays open.
unsigned char* map_ram(std::size_t bytes) {
    const int file = checked(::memfd_create("vmm_ram", MFD_CLOEXEC), "memfd_create");
    checked(::ftruncate(file, static_cast<off_t>(bytes)), "ftruncate");
    void* ram = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (ram == MAP_FAILED) fail("mmap");
    return static_cast<unsigned char*>(ram);
}

// What all vCPUs share.
struct Machine {
    int kvm = -1, vm = -1;
    std::size_t run_bytes = 0;  // of the mapping of each vCPU
    unsigned char* ram = nullptr;
};

Machine make_machine(std::size_t bytes) {
    Machine machine;
    machine.kvm = checked(::open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
    machine.vm = checked(::ioctl(machine.kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    machine.run_bytes = static_cast<std::size_t>(
        checked(::ioctl(machine.kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE"));
    machine.ram = map_ram(bytes);
    std::memcpy(machine.ram + program_start, program.data(), program.size());
    kvm_userspace_memory_region slot{};
    slot.memory_size = bytes;
    slot.userspace_addr = reinterpret_cast<std::uintptr_t>(machine.ram);
    checked(::ioctl(machine.vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
    return machine;
}

// Flat segments of 4 GiB in protected mode, without paging.
void set_mode(int vcpu) {
    kvm_sregs registers{};
    checked(::ioctl(vcpu, KVM_GET_SREGS, &registers), "KVM_GET_SREGS");
    kvm_segment data{};
    data.limit = 0xffffffff;
    data.selector = 16;
    data.type = 3;  // can be read and written
    data.present = data.db = data.s = data.g = 1;
    kvm_segment code = data;
    code.selector = 8;
    code.type = 11;  // can be executed and read
    registers.cs = code;
    registers.ds = registers.es = registers.fs = registers.gs = registers.ss = data;
    registers.cr0 = 0x11;  // protected mode; the other bit is always set
    checked(::ioctl(vcpu, KVM_SET_SREGS, &registers), "KVM_SET_SREGS");
}

void set_start(int vcpu, std::size_t part_start, std::size_t part_end) {
    kvm_regs registers{};
    registers.rip = program_start;
    registers.rflags = 2;  // a bit that is always set
    registers.rbx = part_start;
    registers.rsi = part_end;
    checked(::ioctl(vcpu, KVM_SET_REGS, &registers), "KVM_SET_REGS");
}

class Vcpu {
  public:
    // Its memory is allocated by this call.
    Vcpu(const Machine& machine, int id, std::size_t part_bytes)
        : id_(id),
          fd_(checked(::ioctl(machine.vm, KVM_CREATE_VCPU, id), "KVM_CREATE_VCPU")),
          part_(machine.ram + parts_start + static_cast<std::size_t>(id) * part_bytes),
          part_bytes_(part_bytes) {
        void* run = ::mmap(nullptr, machine.run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
        if (run == MAP_FAILED) fail("mmap of a vCPU");
        run_ = static_cast<kvm_run*>(run);
        const OnNode memory(static_cast<std::size_t>(id));
        std::memset(part_, 0, part_bytes);
        set_mode(fd_);
        const auto start = static_cast<std::size_t>(part_ - machine.ram);
        set_start(fd_, start, start + part_bytes);
    }

    void run(const std::stop_token& stop, const std::string& name, milliseconds rest) {
        ::pthread_setname_np(::pthread_self(), (name + std::to_string(id_)).c_str());
        {
            const OnNode away(static_cast<std::size_t>(id_) + 1);
            access_mib();
        }
        std::mutex unshared;
        std::unique_lock lock(unshared);
        std::condition_variable_any rested;
        while (!stop.stop_requested()) {
            access_mib();
            rested.wait_for(lock, stop, rest, [] { return false; });
        }
    }

    int id() const { return id_; }
    std::uint64_t accessed_mib() const { return accessed_mib_; }

    // Whether each byte that the vCPU increments has the value of as many rounds as it has made.
    // While it runs, nobody can tell.
    bool finds_its_memory() const {
        const std::uint64_t part_mib = part_bytes_ / mib;
        for (std::size_t at = 0; at < part_bytes_; at += page_bytes) {
            const std::uint64_t rounds =
                accessed_mib_ / part_mib + (at / mib < accessed_mib_ % part_mib ? 1 : 0);
            if (part_[at] != static_cast<unsigned char>(rounds)) return false;
        }
        return true;
    }

  private:
    void access_mib() {
        while (::ioctl(fd_, KVM_RUN, 0) != 0)
            if (errno != EINTR && errno != EAGAIN) fail("KVM_RUN");
        if (run_->exit_reason != KVM_EXIT_HLT)
            fail("vCPU " + std::to_string(id_) + " has ended for the reason " +
                 std::to_string(run_->exit_reason));
        ++accessed_mib_;
    }

    int id_, fd_;
    unsigned char* part_;
    std::size_t part_bytes_;
    kvm_run* run_ = nullptr;
    std::atomic<std::uint64_t> accessed_mib_ = 0;
};

void write_progress(std::FILE* file, milliseconds time,
                    const std::vector<std::unique_ptr<Vcpu>>& vcpus) {
    std::fprintf(file, "%lld", static_cast<long long>(time.count()));
    for (const auto& vcpu : vcpus)
        std::fprintf(file, " %llu", static_cast<unsigned long long>(vcpu->accessed_mib()));
    std::fputc('\n', file);
    std::fflush(file);
}

[[noreturn]] void run(int vcpu_count, int ram_mib, std::FILE* progress, const std::string& name,
                      milliseconds rest) {
    using Clock = std::chrono::steady_clock;
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &end, nullptr);  // the threads inherit that

    const auto bytes = static_cast<std::size_t>(ram_mib) * mib;
    const Machine machine = make_machine(bytes);
    const std::size_t part_mib = (bytes - parts_start) / mib / static_cast<std::size_t>(vcpu_count);
    std::vector<std::unique_ptr<Vcpu>> vcpus;
    for (int id = 0; id < vcpu_count; ++id)
        vcpus.push_back(std::make_unique<Vcpu>(machine, id, part_mib * mib));
    std::vector<std::jthread> threads;
    for (const auto& vcpu : vcpus)
        threads.emplace_back([&vcpu = *vcpu, name, rest](const std::stop_token& stop) {
            vcpu.run(stop, name, rest);
        });

    const auto start = Clock::now();
    const std::chrono::nanoseconds between = std::max(progress_interval, rest);
    const timespec interval{between.count() / 1'000'000'000, between.count() % 1'000'000'000};
    do {
        write_progress(progress, std::chrono::duration_cast<milliseconds>(Clock::now() - start),
                       vcpus);
    } while (::sigtimedwait(&end, nullptr, &interval) != SIGTERM);
    for (std::jthread& thread : threads)
        thread.request_stop();
    for (std::jthread& thread : threads)
        thread.join();
    for (const auto& vcpu : vcpus)
        if (!vcpu->finds_its_memory())
            fail("vCPU " + std::to_string(vcpu->id()), "its memory has changed");
    std::_Exit(0);
}

}  // namespace
}  // namespace vnuma::vmm

int main(int argc, char** argv) {
    using namespace vnuma::vmm;
    const bool enough = argc >= 4 && argc <= 6;
    const int vcpus = enough ? std::atoi(argv[1]) : 0;
    const int ram_mib = enough ? std::atoi(argv[2]) : 0;
    const std::chrono::milliseconds rest(argc == 6 ? std::atoi(argv[5]) : usual_rest.count());
    if (rest.count() < 0 || rest > longest_rest || vcpus < 1 || vcpus > max_vcpus ||
        ram_mib <= vcpus || ram_mib > max_mib) {
        std::fputs("small-vmm VCPUS MIB FILE [NAME [REST]]\n", stderr);
        return 1;
    }
    std::FILE* progress = std::fopen(argv[3], "we");
    if (!progress) fail(argv[3]);
    run(vcpus, ram_mib, progress, argc > 4 ? argv[4] : "vcpu", rest);
}
