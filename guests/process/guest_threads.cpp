#include "guests/process/guest_threads.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_cpus = 8192;  // the kernel's own limit (CONFIG_NR_CPUS)

std::string task_file(pid_t task, const char* file) {
    return "task/" + std::to_string(task) + "/" + file;
}

// The thread without its affinity and cpuset. Nothing if it has ended.
std::optional<ThreadSample> read_times(const Process& process, pid_t task, KeptFile& stat_file,
                                       KeptFile& schedstat_file) {
    const auto stat_text = stat_file.read(process, task_file(task, "stat"));
    auto stat = stat_text ? parse_stat(*stat_text) : std::nullopt;
    const auto sched_text = schedstat_file.read(process, task_file(task, "schedstat"));
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

using AffinityMask = std::array<char, max_cpus / 8>;

// The online CPUs of the affinity, as the kernel's bit mask; empty if the call fails.
std::string_view read_affinity_mask(pid_t task, AffinityMask& mask) {
    const long size = ::syscall(SYS_sched_getaffinity, task, mask.size(), mask.data());
    return {mask.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
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
    KeptFile stat, schedstat;
    auto sample = read_times(process, task, stat, schedstat);
    auto affinity = sample ? read_affinity(process, task) : std::nullopt;
    if (!affinity) return std::nullopt;
    sample->affinity = std::move(*affinity);
    return sample;
}

std::vector<int> ThreadReader::read_cpuset(const Process& process, pid_t task) const {
    const auto text = process.read(task_file(task, "cgroup"));
    return text ? vnuma::read_cpuset(*text, cgroup_root_) : std::vector<int>{};
}

// Reads what changes all the time of the threads that are known. False if these may not be all any
// more: then some may have been read, and some not.
bool ThreadReader::read_again(const Process& process) {
    if (process.is_recording() || process.count_tasks() != known_.size()) return false;
    return std::all_of(known_.begin(), known_.end(),
                       [&](auto& known) { return read_again(process, known.first, known.second); });
}

// False if the thread has ended.
bool ThreadReader::read_again(const Process& process, pid_t task, Known& known) const {
    if (known.role == ThreadRole::vcpu) {
        const auto now = read_times(process, task, known.stat, known.schedstat);
        if (!now) return false;
        known.sample.last_cpu = now->last_cpu;
        known.sample.run_ns = now->run_ns;
        known.sample.wait_ns = now->wait_ns;
    }
    AffinityMask buffer;
    const std::string_view mask = read_affinity_mask(task, buffer);
    if (mask.empty()) return false;
    if (mask == known.mask) return true;
    // Reading the status file takes thirty times as long as sched_getaffinity(2), so it is read
    // only if the mask has changed. A cpuset that is written changes the affinity of its threads,
    // or leaves it as it is.
    auto affinity = read_affinity(process, task);
    if (!affinity) return false;
    known.mask = mask;
    known.sample.affinity = std::move(*affinity);
    known.sample.cpuset = read_cpuset(process, task);
    return true;
}

void ThreadReader::read_anew(const Process& process, const ThreadRoles& roles, bool rare_too) {
    std::map<pid_t, Known> now;
    for (const pid_t task : process.tasks()) {
        const auto before = known_.find(task);
        // What is known of a number stays true if its thread can be read by what was opened before.
        if (before != known_.end() && !rare_too && !process.is_recording() &&
            read_again(process, task, before->second)) {
            now.insert(known_.extract(before));
            continue;
        }
        if (auto known = read_thread(process, task, roles)) now.emplace(task, std::move(*known));
    }
    known_ = std::move(now);
}

std::optional<ThreadReader::Known> ThreadReader::read_thread(const Process& process, pid_t task,
                                                             const ThreadRoles& roles) const {
    Known known;
    auto sample = read_times(process, task, known.stat, known.schedstat);
    auto affinity = sample ? read_affinity(process, task) : std::nullopt;
    if (!affinity) return std::nullopt;
    known.sample = std::move(*sample);
    known.sample.affinity = std::move(*affinity);
    known.sample.cpuset = read_cpuset(process, task);
    known.role = roles.find(task, known.sample.name).role;
    if (known.role != ThreadRole::vcpu) known.stat = known.schedstat = KeptFile();
    // The call would find another process' thread by a recorded number.
    AffinityMask buffer;
    if (!process.is_recording()) known.mask = read_affinity_mask(task, buffer);
    return known;
}

GuestThreads ThreadReader::read(const Process& process, const ListedGuest& listed, bool rare_too) {
    const ThreadRoles roles(listed);
    if (rare_too || !read_again(process)) read_anew(process, roles, rare_too);
    GuestThreads threads;
    for (auto& [task, known] : known_) {
        const auto [role, vcpu] = roles.find(task, known.sample.name);
        known.role = role;
        switch (role) {
            case ThreadRole::vcpu:
                threads.vcpus.push_back({known.sample, vcpu});
                break;
            case ThreadRole::emulator:
                threads.emulator.push_back(known.sample);
                break;
            case ThreadRole::iothread:
                threads.iothreads.push_back(known.sample);
                break;
            case ThreadRole::vhost:
                threads.vhost.push_back(known.sample);
                break;
        }
    }
    std::sort(threads.vcpus.begin(), threads.vcpus.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    return threads;
}

}  // namespace vnuma
