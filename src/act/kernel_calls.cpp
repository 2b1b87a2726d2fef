#include "src/act/kernel_calls.hpp"

#include <numaif.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>

#include "guests/memory/page_nodes.hpp"
#include "guests/model/settings.hpp"
#include "guests/process/files.hpp"
#include "guests/process/guest_threads.hpp"
#include "guests/process/life.hpp"
#include "guests/process/parse_proc.hpp"
#include "policy/model/number_list.hpp"
#include "src/observe/host.hpp"

namespace vnuma {
namespace {

using std::chrono::steady_clock;

constexpr int max_cpus = 8192;  // the kernel's own limit (NR_CPUS on x86)

using CpuSet = std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)>;

CpuSet make_set(const std::vector<int>& cpus) {
    CpuSet set(CPU_ALLOC(max_cpus), [](cpu_set_t* s) { CPU_FREE(s); });
    CPU_ZERO_S(CPU_ALLOC_SIZE(max_cpus), set.get());
    for (const int cpu : cpus)
        CPU_SET_S(cpu, CPU_ALLOC_SIZE(max_cpus), set.get());
    return set;
}

std::string thread_file(const ThreadIdentity& thread, const char* file) {
    return "/proc/" + std::to_string(thread.id) + "/" + file;
}

// The affinity in force of whoever has this number now; nothing, with errno set, if there is none.
std::optional<std::vector<int>> read_affinity(pid_t task) {
    const CpuSet set = make_set({});
    if (::sched_getaffinity(task, CPU_ALLOC_SIZE(max_cpus), set.get()) < 0) return std::nullopt;
    std::vector<int> cpus;
    for (int cpu = 0; cpu < max_cpus; ++cpu)
        if (CPU_ISSET_S(static_cast<std::size_t>(cpu), CPU_ALLOC_SIZE(max_cpus), set.get()))
            cpus.push_back(cpu);
    return cpus;
}

// Empty if it cannot be read.
std::vector<int> read_cpuset_of(const ThreadIdentity& thread) {
    const auto cgroup = read_small_file(thread_file(thread, "cgroup"));
    return cgroup ? read_cpuset(*cgroup, Roots().cgroup) : std::vector<int>();
}

std::vector<void*> to_pointers(std::span<const std::uint64_t> addresses) {
    std::vector<void*> pointers;
    pointers.reserve(addresses.size());
    for (const std::uint64_t address : addresses)
        pointers.push_back(reinterpret_cast<void*>(address));
    return pointers;
}

class DryRunKernel : public Kernel {
  public:
    bool acts() const override { return false; }

    bool is_alive(const Process& process) override { return process.alive(); }

    // A thread has no pidfd on most kernels; its start time tells it from a later one.
    std::optional<ThreadCpus> read_cpus(const ThreadIdentity& thread) override {
        const auto status = read_small_file(thread_file(thread, "status"));
        std::vector<int> cpuset = read_cpuset_of(thread);
        if (!status || find_life(thread) != 0) return std::nullopt;
        const auto cpus = find_status_field(*status, "Cpus_allowed_list");
        const auto affinity = cpus ? parse_number_list(*cpus) : std::nullopt;
        if (!affinity) return std::nullopt;
        return ThreadCpus{*affinity, std::move(cpuset)};
    }

    int find_life(const ThreadIdentity& thread) override {
        return vnuma::find_life(thread.id, thread.start_time);
    }

    std::vector<ThreadIdentity> read_threads(const ThreadIdentity& process) override {
        std::vector<ThreadIdentity> threads;
        if (find_life(process) != 0) return threads;
        const auto opened = Process::open(process.id);
        if (!opened || opened->start_time() != process.start_time) return threads;
        for (const pid_t task : opened->tasks()) {
            const auto text = opened->read("task/" + std::to_string(task) + "/stat");
            const auto stat = text ? parse_stat(*text) : std::nullopt;
            if (stat) threads.push_back({task, stat->start_time});
        }
        return threads;
    }

    int read_page_nodes(const Process& process, std::span<const std::uint64_t> addresses,
                        std::span<int> nodes) override {
        std::vector<void*> pointers = to_pointers(addresses);
        return query_page_nodes(process.pid(), pointers, nodes).value();
    }

    Bytes read_available(int node_id) override { return vnuma::read_available(node_id); }

    CallResult set_affinity(const ThreadIdentity&, const std::vector<int>&) override {
        return {ECANCELED, {}};
    }

    CallResult move_pages(const Process&, std::span<const std::uint64_t>, int) override {
        return {ECANCELED, {}};
    }

    Bytes read_high_watermark(int node_id) override { return vnuma::read_high_watermark(node_id); }
    Bytes read_unreserved_huge(int node_id, Bytes page_bytes) override {
        return vnuma::read_unreserved_huge(node_id, page_bytes);
    }
    HostPressure read_host_pressure() override { return vnuma::read_host_pressure(); }
    std::optional<SchedStat> read_times(const Process& process, pid_t thread) override {
        const auto text = process.read("task/" + std::to_string(thread) + "/schedstat");
        return text ? parse_schedstat(*text) : std::nullopt;
    }
    std::optional<Pressure> read_stalls(const Process& process, pid_t vcpu_thread) override {
        return vnuma::read_stalls(process, vcpu_thread);
    }
    PinReply read_libvirt_pin(const std::string&, DomainThread) override { return canceled(); }
    PinReply set_libvirt_pin(const std::string&, DomainThread, const std::vector<int>&) override {
        return canceled();
    }

  private:
    static PinReply canceled() { return {std::generic_category().message(ECANCELED)}; }
};

class ActingKernel final : public DryRunKernel {
  public:
    explicit ActingKernel(std::string libvirt_uri) : libvirt_uri_(std::move(libvirt_uri)) {}

    bool acts() const override { return true; }

    // The kernel knows a number only. If the thread ends right before the call, a stranger that has
    // got the number since gets back what it had. A thread of which nothing can be read any more
    // does so, too: whoever pins it knows that it is not pinned.
    CallResult set_affinity(const ThreadIdentity& thread, const std::vector<int>& cpus) override {
        const auto begin = steady_clock::now();
        const CpuSet set = make_set(cpus);
        // After the call nothing may be readable any more.
        std::vector<int> cpuset = read_cpuset_of(thread);
        int error = find_life(thread);
        const auto affinity = read_affinity(thread.id);
        if (!affinity) error = errno;
        if (error != 0) return {error, steady_clock::now() - begin};
        if (::sched_setaffinity(thread.id, CPU_ALLOC_SIZE(max_cpus), set.get()) < 0) {
            error = errno;
        } else if ((error = find_life(thread)) != 0) {
            if (error == ESRCH) cpuset = read_cpuset_of(thread);  // the stranger's
            const CpuSet before = make_set(mask_before({*affinity, std::move(cpuset)}));
            ::sched_setaffinity(thread.id, CPU_ALLOC_SIZE(max_cpus), before.get());
        }
        return {error, steady_clock::now() - begin};
    }

    CallResult move_pages(const Process& process, std::span<const std::uint64_t> addresses,
                          int node_id) override {
        std::vector<void*> pages = to_pointers(addresses);
        const std::vector<int> nodes(pages.size(), node_id);
        std::vector<int> status(pages.size());
        const auto begin = steady_clock::now();
        const long result = ::move_pages(process.pid(), pages.size(), pages.data(), nodes.data(),
                                         status.data(), MPOL_MF_MOVE);
        return {result < 0 ? errno : 0, steady_clock::now() - begin};
    }

    PinReply read_libvirt_pin(const std::string& uuid, DomainThread thread) override {
        return libvirt().read(uuid, thread);
    }
    PinReply set_libvirt_pin(const std::string& uuid, DomainThread thread,
                             const std::vector<int>& cpus) override {
        return libvirt().set(uuid, thread, cpus);
    }

  private:
    // It has threads of its own, which most hosts do not need.
    LibvirtPins& libvirt() {
        if (!libvirt_) libvirt_.emplace(libvirt_uri_);
        return *libvirt_;
    }

    std::string libvirt_uri_;
    std::optional<LibvirtPins> libvirt_;
};

}  // namespace

const std::vector<int>& every_cpu() {
    static const std::vector<int> all = [] {
        std::vector<int> cpus(max_cpus);
        std::iota(cpus.begin(), cpus.end(), 0);
        return cpus;
    }();
    return all;
}

std::vector<int> mask_before(const ThreadCpus& cpus) {
    const bool is_unset =
        !cpus.cpuset.empty() && std::includes(cpus.affinity.begin(), cpus.affinity.end(),
                                              cpus.cpuset.begin(), cpus.cpuset.end());
    return is_unset ? every_cpu() : cpus.affinity;
}

std::unique_ptr<Kernel> open_kernel(const LibvirtSettings& libvirt) {
    return std::make_unique<ActingKernel>(libvirt.uri);
}

std::unique_ptr<Kernel> open_dry_run() {
    return std::make_unique<DryRunKernel>();
}

}  // namespace vnuma
