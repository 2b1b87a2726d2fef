#include "src/observe/rivals.hpp"

#include <utility>

namespace vnuma {
namespace {

// What is left to a rival to which vnumad yields.
enum class Placed { memory, its_guests, all };

std::optional<PolicyLimit> limit_of(const Rival& rival, Placed placed,
                                    const RivalReading& reading) {
    PolicyLimit limit{"coexist." + rival.name, rival.presence};
    if (rival.handling == Handling::share) return std::nullopt;
    if (rival.handling == Handling::yield && placed == Placed::memory) {
        limit.memory = MemoryPolicy::none;
        return limit;
    }
    limit.mode = Mode::observe;
    if (rival.handling == Handling::yield && placed == Placed::its_guests)
        limit.guests = reading.in_pods;
    return limit;
}

std::string static_managers(const RivalReading& reading) {
    const std::string who = reading.static_cpus && reading.static_memory
                                ? "CPU manager and memory manager have"
                            : reading.static_cpus ? "CPU manager has"
                                                  : "memory manager has";
    return "Kubernetes' " + who + " the static policy";
}

}  // namespace

const char* Rival::effect() const {
    if (!limit) return "vnumad goes on as without it";
    if (limit->guests) return "vnumad acts on no guest in a pod";
    return limit->mode < Mode::act ? "vnumad acts on no guest" : "vnumad moves no memory";
}

std::vector<Rival> find_rivals(const RivalReading& reading, const Coexistence& coexist) {
    std::vector<Rival> rivals;
    const auto add = [&](const char* name, Handling handling, Placed placed, std::string presence) {
        Rival& rival = rivals.emplace_back(Rival{name, std::move(presence), handling, {}});
        rival.limit = limit_of(rival, placed, reading);
    };
    const auto add_daemon = [&](const char* name, Handling handling) {
        if (const auto found = reading.daemons.find(name); found != reading.daemons.end())
            add(name, handling, Placed::all,
                std::string(name) + " runs as process " + std::to_string(found->second));
    };
    if (reading.numa_balancing != 0)
        add("numa_balancing", coexist.numa_balancing, Placed::memory,
            "the kernel's NUMA balancing is on (kernel.numa_balancing = " +
                std::to_string(reading.numa_balancing) + ")");
    add_daemon("numad", coexist.numad);
    if (reading.ksm_across_nodes)
        add("ksm", coexist.ksm, Placed::memory, "KSM merges pages of different nodes");
    if (reading.static_cpus || reading.static_memory)
        add("kubelet", coexist.kubelet, Placed::its_guests, static_managers(reading));
    add_daemon("tuned", coexist.tuned);
    add_daemon("irqbalance", coexist.irqbalance);
    return rivals;
}

void add_limits(const std::vector<Rival>& rivals, std::vector<PolicyLimit>& limits) {
    for (const Rival& rival : rivals)
        if (rival.limit) limits.push_back(*rival.limit);
}

}  // namespace vnuma
