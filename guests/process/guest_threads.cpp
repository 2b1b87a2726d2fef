#include "guests/process/guest_threads.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "guests/model/listed_guest.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_kernel_threads = 65536;
constexpr std::size_t max_cpus = 8192;  // the kernel's own limit

std::map<pid_t, std::pair<Role, int>> told_roles(const ListedGuest& listed) {
    std::map<pid_t, std::pair<Role, int>> roles;
    for (const auto& [vcpu, thread] : listed.vcpu_threads)
        roles[thread] = {Role::vcpu, vcpu};
    for (const auto& [name, thread] : listed.iothreads)
        roles[thread] = {Role::iothread, 0};
    return roles;
}

std::string affinity_mask(pid_t task) {
    std::array<char, max_cpus / 8> mask{};
    const long size = ::syscall(SYS_sched_getaffinity, task, mask.size(), mask.data());
    return size > 0 ? std::string(mask.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

bool ThreadReader::read_times(const Process& process, pid_t task, ThreadSample& sample) {
    const std::string directory = "task/" + std::to_string(task) + "/";
    const auto stat_text = process.read(directory + "stat");
    const auto sched_text = process.read(directory + "schedstat");
    auto stat = stat_text ? parse_stat(*stat_text) : std::nullopt;
    const auto sched = sched_text ? parse_schedstat(*sched_text) : std::nullopt;
    if (!stat || !sched) return false;
    sample.thread = task;
    sample.start_time = stat->start_time;
    sample.last_cpu = stat->last_cpu;
    sample.run_ns = sched->run_ns;
    sample.wait_ns = sched->wait_ns;
    sample.name = std::move(stat->name);
    return true;
}

// The status file has the CPUs exactly as they were set, also those that are offline just now, but
// takes thirty times as long as asking for the mask: it is read when the mask is another one.
bool ThreadReader::read_affinity(const Process& process, pid_t task, bool all, Known& known) {
    std::string mask = process.recorded() ? std::string() : affinity_mask(task);
    if (!all && !mask.empty() && mask == known.mask) return true;
    const auto status = process.read("task/" + std::to_string(task) + "/status");
    const auto cpus = status ? find_status_field(*status, "Cpus_allowed_list") : std::nullopt;
    auto affinity = cpus ? parse_number_list(*cpus) : std::nullopt;
    if (!affinity) return false;
    known.mask = std::move(mask);
    known.affinity = std::move(*affinity);
    return true;
}

std::vector<int> ThreadReader::read_cpuset(const Process& process, pid_t task) {
    const auto text = process.read("task/" + std::to_string(task) + "/cgroup");
    const auto cgroup = text ? parse_cgroup(*text) : std::nullopt;
    if (!cgroup) return {};
    const std::string file =
        cgroup->unified ? cgroup_root_ + cgroup->path + "/cpuset.cpus.effective"
                        : cgroup_root_ + "/cpuset" + cgroup->path + "/cpuset.effective_cpus";
    const auto cpus = read_small_file(file);
    return cpus ? parse_number_list(*cpus).value_or(std::vector<int>{}) : std::vector<int>{};
}

std::optional<ThreadSample> ThreadReader::read_one(const Process& process, pid_t task) {
    ThreadSample sample;
    Known known;
    if (!read_times(process, task, sample) || !read_affinity(process, task, true, known))
        return std::nullopt;
    sample.affinity = std::move(known.affinity);
    return sample;
}

GuestThreads ThreadReader::read(const Process& process, const ListedGuest& listed, bool all) {
    const auto told = told_roles(listed);
    GuestThreads group;
    std::map<pid_t, Known> now;
    for (const pid_t task : process.tasks()) {
        const auto before = known_.find(task);
        const auto said = told.find(task);
        Known known = before != known_.end() ? before->second : Known();
        VcpuSample sample;
        if (!all && before != known_.end() && !known.vcpu) {
            static_cast<ThreadSample&>(sample) = known.sample;
        } else if (!read_times(process, task, sample)) {
            continue;  // it has just ended
        }
        const bool fresh = known.start_time != sample.start_time;
        if (fresh) known = {};
        if ((fresh || all || known.vcpu) && !read_affinity(process, task, all, known)) continue;
        Role role = role_of(sample.name);
        if (said != told.end())
            std::tie(role, sample.id) = said->second;
        else if (!told.empty() && role != Role::vhost)
            role = Role::emulator;
        else if (role == Role::vcpu)
            sample.id = *parse_vcpu_name(sample.name);
        if (fresh || all) known.cpuset = read_cpuset(process, task);
        sample.affinity = known.affinity;
        sample.cpuset = known.cpuset;
        known.start_time = sample.start_time;
        known.vcpu = role == Role::vcpu;
        known.sample = known.vcpu ? ThreadSample() : ThreadSample(sample);
        now[task] = std::move(known);
        switch (role) {
            case Role::vcpu:
                group.vcpus.push_back(std::move(sample));
                break;
            case Role::emulator:
                group.emulator.push_back(std::move(sample));
                break;
            case Role::iothread:
                group.iothreads.push_back(std::move(sample));
                break;
            case Role::vhost:
                group.vhost.push_back(std::move(sample));
                break;
        }
    }
    known_ = std::move(now);
    std::sort(group.vcpus.begin(), group.vcpus.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    return group;
}

std::multimap<pid_t, pid_t> find_kernel_vhost_threads(const Process& kthreadd) {
    std::multimap<pid_t, pid_t> found;
    const auto text = kthreadd.read("task/2/children");
    std::string_view rest = text ? std::string_view(*text) : std::string_view();
    for (std::size_t i = 0; i < max_kernel_threads && !rest.empty(); ++i) {
        pid_t task = 0, owner = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), task);
        if (error != std::errc()) break;
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        rest.remove_prefix(std::min(rest.find_first_not_of(" \n"), rest.size()));
        // Its neighbours in /proc: the kernel's threads are processes there.
        const auto name = kthreadd.read("../" + std::to_string(task) + "/comm");
        constexpr std::string_view prefix = "vhost-";
        if (!name || !name->starts_with(prefix)) continue;
        const char* number = name->data() + prefix.size();
        if (std::from_chars(number, name->data() + name->size(), owner).ec == std::errc())
            found.emplace(owner, task);
    }
    return found;
}

std::multimap<pid_t, ThreadSample> read_kernel_vhost_threads() {
    std::multimap<pid_t, ThreadSample> threads;
    const auto kthreadd = Process::open(2);
    if (!kthreadd) return threads;
    for (const auto& [owner, task] : find_kernel_vhost_threads(*kthreadd)) {
        const auto process = Process::open(task);
        auto sample = process ? ThreadReader::read_one(*process, task) : std::nullopt;
        if (sample) threads.emplace(owner, std::move(*sample));
    }
    return threads;
}

}  // namespace vnuma
