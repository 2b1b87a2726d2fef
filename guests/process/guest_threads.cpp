#include "guests/process/guest_threads.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_cpus = 8192;  // the kernel's own limit (CONFIG_NR_CPUS)

std::string task_file(pid_t task, const char* file) {
    return "task/" + std::to_string(task) + "/" + file;
}

// The thread without its affinity and cpuset.
std::optional<ThreadSample> read_times(const Process& process, pid_t task) {
    const auto stat_text = process.read(task_file(task, "stat"));
    const auto sched_text = process.read(task_file(task, "schedstat"));
    auto stat = stat_text ? parse_stat(*stat_text) : std::nullopt;
    const auto sched = sched_text ? parse_schedstat(*sched_text) : std::nullopt;
    if (!stat || !sched) return std::nullopt;
    ThreadSample sample;
    sample.thread = task;
    sample.start_time = stat->start_time;
    sample.last_cpu = stat->last_cpu;
    sample.run_ns = sched->run_ns;
    sample.wait_ns = sched->wait_ns;
    sample.name = std::move(stat->name);
    return sample;
}

// The CPUs as they were set, including those that are offline now.
std::optional<std::vector<int>> read_affinity(const Process& process, pid_t task) {
    const auto status = process.read(task_file(task, "status"));
    const auto cpus = status ? find_status_field(*status, "Cpus_allowed_list") : std::nullopt;
    return cpus ? parse_number_list(*cpus) : std::nullopt;
}

// The online CPUs of the affinity, as the kernel's bit mask; empty if the call fails.
std::string read_affinity_mask(pid_t task) {
    std::array<char, max_cpus / 8> mask{};
    const long size = ::syscall(SYS_sched_getaffinity, task, mask.size(), mask.data());
    return size > 0 ? std::string(mask.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

std::vector<int> read_cpuset(const std::string& cgroup_text, const std::string& cgroup_root) {
    const auto cgroup = parse_cgroup(cgroup_text);
    if (!cgroup) return {};
    const std::string root = cgroup_root + (cgroup->unified ? "" : "/cpuset"),
                      file = cgroup->unified ? "/cpuset.cpus.effective" : "/cpuset.effective_cpus";
    // A group without the controller, as one inside a container may be, has the CPUs of the next
    // one above.
    for (std::string group = cgroup->path;; group.resize(group.rfind('/'))) {
        std::string path = root;
        path.append(group).append(file);
        if (const auto cpus = read_small_file(path))
            return parse_number_list(*cpus).value_or(std::vector<int>{});
        if (group.find('/') == std::string::npos) return {};
    }
}

std::optional<ThreadSample> read_thread(const Process& process, pid_t task) {
    auto sample = read_times(process, task);
    auto affinity = sample ? read_affinity(process, task) : std::nullopt;
    if (!affinity) return std::nullopt;
    sample->affinity = std::move(*affinity);
    return sample;
}

std::vector<int> ThreadReader::read_cpuset(const Process& process, pid_t task) const {
    const auto text = process.read(task_file(task, "cgroup"));
    return text ? vnuma::read_cpuset(*text, cgroup_root_) : std::vector<int>{};
}

std::optional<ThreadReader::Known> ThreadReader::read_thread(const Process& process, pid_t task,
                                                             const Known* before,
                                                             bool rare_too) const {
    const bool is_rare = before && before->role != ThreadRole::vcpu && !rare_too;
    if (is_rare && (process.is_recording() || read_affinity_mask(task) == before->mask))
        return *before;
    auto sample = read_times(process, task);
    if (!sample) return std::nullopt;
    if (before && before->sample.start_time != sample->start_time) before = nullptr;
    Known known{std::move(*sample), {}, {}};
    // Reading the status file takes thirty times as long as sched_getaffinity(2), so it is read
    // only if the mask has changed. The call would find another process' thread by a recorded id.
    if (!process.is_recording()) known.mask = read_affinity_mask(task);
    if (before && !rare_too && !known.mask.empty() && known.mask == before->mask) {
        known.sample.affinity = before->sample.affinity;
    } else {
        auto affinity = read_affinity(process, task);
        if (!affinity) return std::nullopt;
        known.sample.affinity = std::move(*affinity);
    }
    // A cpuset that is written changes the affinity of its threads, or leaves it as it is.
    const bool is_same = before && !rare_too && known.mask == before->mask;
    known.sample.cpuset = is_same ? before->sample.cpuset : read_cpuset(process, task);
    return known;
}

GuestThreads ThreadReader::read(const Process& process, const ListedGuest& listed, bool rare_too) {
    const ThreadRoles roles(listed);
    GuestThreads threads;
    std::map<pid_t, Known> now;
    for (const pid_t task : process.tasks()) {
        const auto before = known_.find(task);
        auto known = read_thread(process, task, before == known_.end() ? nullptr : &before->second,
                                 rare_too);
        if (!known) continue;
        const auto [role, vcpu] = roles.find(task, known->sample.name);
        known->role = role;
        switch (role) {
            case ThreadRole::vcpu:
                threads.vcpus.push_back({known->sample, vcpu});
                break;
            case ThreadRole::emulator:
                threads.emulator.push_back(known->sample);
                break;
            case ThreadRole::iothread:
                threads.iothreads.push_back(known->sample);
                break;
            case ThreadRole::vhost:
                threads.vhost.push_back(known->sample);
                break;
        }
        now.emplace(task, std::move(*known));
    }
    known_ = std::move(now);
    std::sort(threads.vcpus.begin(), threads.vcpus.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    return threads;
}

}  // namespace vnuma
