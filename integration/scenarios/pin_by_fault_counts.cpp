#include "integration/scenarios/pin_by_fault_counts.hpp"

#include <sched.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <sstream>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

constexpr std::chrono::seconds period{1};
// New homes have to make at least 1/8 of all faults local, the same margin as vnumad's for shards.
constexpr long margin_divisor = 8;

void pin(pid_t thread, int node) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int cpu : node_cpus(node))
        CPU_SET(static_cast<std::size_t>(cpu), &set);
    ::sched_setaffinity(thread, sizeof(set), &set);
}

long local_of(const std::vector<std::map<int, long>>& faults, unsigned homes) {
    long local = 0;
    for (std::size_t v = 0; v < faults.size(); ++v)
        if (const auto there = faults[v].find(static_cast<int>(homes >> v & 1));
            there != faults[v].end())
            local += there->second;
    return local;
}

}  // namespace

std::map<int, long> numa_faults(const std::string& sched) {
    std::map<int, long> faults;
    std::istringstream lines(sched);
    for (std::string line; std::getline(lines, line);) {
        int node = 0;
        long own = 0, shared = 0;
        if (std::sscanf(line.c_str(), "numa_faults node=%d task_private=%ld task_shared=%ld", &node,
                        &own, &shared) == 3)
            faults[node] = own + shared;
    }
    return faults;
}

PinByFaultCounts::PinByFaultCounts(const RunningGuest& guest, int max_vcpus_per_node)
    : guest_(guest),
      max_vcpus_per_node_(max_vcpus_per_node),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void PinByFaultCounts::run(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        update();
        stopped.wait_for(lock, stop, period, [] { return false; });
    }
}

void PinByFaultCounts::update() {
    std::vector<std::map<int, long>> faults;
    const std::map<int, pid_t> threads = guest_.vcpu_threads();
    faults.reserve(threads.size());
    for (const auto& [vcpu, thread] : threads)
        faults.push_back(numa_faults(read_text("/proc/" + std::to_string(guest_.pid()) + "/task/" +
                                               std::to_string(thread) + "/sched")));
    const Homes best = best_homes(faults);
    long all = 0;
    for (const auto& by_node : faults)
        for (const auto& [node, count] : by_node)
            all += count;
    const long gain = local_of(faults, best) - local_of(faults, homes_);
    if (all == 0 || (pinned_ && gain <= all / margin_divisor)) return;
    homes_ = best;
    pinned_ = true;
    std::size_t place = 0;
    for (const auto& [vcpu, thread] : threads)
        pin(thread, static_cast<int>(homes_ >> place++ & 1));
}

PinByFaultCounts::Homes PinByFaultCounts::best_homes(
    const std::vector<std::map<int, long>>& faults) const {
    const int vcpus = static_cast<int>(faults.size());
    Homes best = homes_;
    long most = pinned_ ? local_of(faults, homes_) : -1;
    for (Homes homes = 0; homes < 1U << vcpus; ++homes) {
        const int at_second = __builtin_popcount(homes);
        if (at_second > max_vcpus_per_node_ || vcpus - at_second > max_vcpus_per_node_) continue;
        if (const long local = local_of(faults, homes); local > most) best = homes, most = local;
    }
    return best;
}

}  // namespace vnuma::lab
