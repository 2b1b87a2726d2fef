#include "src/observe/cpu_pools.hpp"

#include <algorithm>
#include <map>

namespace vnuma {
namespace {

// By set of CPUs: whether it has a CPU.
using Users = std::vector<bool>;

Users users_of(int cpu, const std::set<std::vector<int>>& sets) {
    Users users;
    for (const std::vector<int>& set : sets)
        users.push_back(std::binary_search(set.begin(), set.end(), cpu));
    return users;
}

bool has_users(const Users& users) {
    return std::find(users.begin(), users.end(), true) != users.end();
}

// Hardware threads that are online, by core: those that a cell may use, and all.
class Cores {
  public:
    explicit Cores(const Host& host) : host_(host) {}

    void add(int cpu, bool is_used) {
        Threads& core = cores_[core_of(cpu)];
        core.used += is_used ? 1 : 0;
        ++core.all;
    }

    // Of CPUs that are all used, or all unused. The threads of a core that cells may use share it.
    // Others add what a sibling adds.
    CpuPool pool(NodeIndex node, const std::vector<int>& cpus, bool are_used) const {
        std::map<int, int> threads;  // of these, by core
        for (const int cpu : cpus)
            ++threads[core_of(cpu)];
        CpuPool pool{node};
        for (const auto& [id, count] : threads) {
            const Threads& all = cores_.at(id);
            const int sharing = are_used ? all.used : all.all - all.used;
            const bool has_core = are_used || all.used == 0;
            const MilliCpu core = has_core ? core_capacity : 0,
                           siblings = sibling_capacity * (sharing - (has_core ? 1 : 0));
            pool.capacity += (core + siblings) * count / sharing;
            pool.siblings += siblings * count / sharing;
        }
        return pool;
    }

  private:
    struct Threads {
        int used = 0, all = 0;
    };

    int core_of(int cpu) const {
        const auto first = host_.first_sibling.find(cpu);
        return first == host_.first_sibling.end() ? cpu : first->second;
    }

    const Host& host_;
    std::map<int, Threads> cores_;
};

}  // namespace

CpuPools::CpuPools(const Host& host, const std::set<std::vector<int>>& sets) {
    const std::vector<int> online = host.online();
    const bool all_alike = std::all_of(sets.begin(), sets.end(), [&](const auto& set) {
        return std::includes(set.begin(), set.end(), online.begin(), online.end());
    });
    if (all_alike || sets.size() > max_cpu_sets) return;
    Cores cores(host);
    for (std::size_t n = 0; n < host.cpus.size(); ++n) {
        std::map<Users, std::vector<int>> by_users;
        for (const int cpu : host.cpus[n]) {
            const Users users = users_of(cpu, sets);
            by_users[users].push_back(cpu);
            cores.add(cpu, has_users(users));
        }
        for (const auto& [users, cpus] : by_users) {
            pools_.push_back(cores.pool(NodeIndex(n), cpus, has_users(users)));
            first_cpu_.push_back(cpus.front());
        }
    }
    if (pools_.size() > max_cpu_pools) pools_.clear(), first_cpu_.clear();
}

std::vector<std::size_t> CpuPools::usable_by(const std::vector<int>& cpus) const {
    std::vector<std::size_t> usable;
    for (std::size_t p = 0; p < pools_.size(); ++p)
        if (std::binary_search(cpus.begin(), cpus.end(), first_cpu_[p])) usable.push_back(p);
    return usable;
}

}  // namespace vnuma
