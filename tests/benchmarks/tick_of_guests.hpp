// A tick of a large host with many guests.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "policy/learn.hpp"
#include "policy/planner.hpp"
#include "tests/src/control/queries/made_up_tick.hpp"

namespace vnuma::test {

inline std::string name_of_guest(std::size_t guest) {
    return "guest-" + std::to_string(guest);
}

// Each guest has four vCPUs, of which it uses one, and 4 GiB. All have homes on the four nodes,
// whose CPUs suffice for 1024 guests. A quarter of the guests have 1 GiB elsewhere, which is
// moving.
inline std::shared_ptr<const Tick> tick_of_guests(std::size_t guests) {
    constexpr std::size_t nodes = 4, cpus = 256, vcpus = 4;
    constexpr Bytes gib = 1024 * mib;
    MadeUpTick made(nodes);
    Tick& tick = made.tick;
    for (std::size_t n = 0; n < nodes; ++n) {
        HostNode& node = tick.snapshot.topology.nodes[n];
        node.cpus = cpus;
        node.cpu_capacity = node.cpus * core_capacity;
        node.memory_total = 2048 * gib;
        node.memory_available = 1024 * gib;
        tick.host.cpus[n].clear();
        for (std::size_t cpu = 0; cpu < cpus; ++cpu)
            tick.host.cpus[n].push_back(static_cast<int>(n * cpus + cpu));
    }
    tick.host.topology = tick.snapshot.topology;
    for (std::size_t g = 0; g < guests; ++g) {
        const std::size_t home = g % nodes;
        std::vector<int> last_cpus;
        for (std::size_t vcpu = 0; vcpu < vcpus; ++vcpu)
            last_cpus.push_back(static_cast<int>(home * cpus + (g + vcpu) % cpus));
        std::vector<Bytes> memory(nodes);
        memory[(home + 1) % nodes] = g % 16 < nodes ? gib : 0;
        memory[home] = 4 * gib - memory[(home + 1) % nodes];
        made.add_guest(name_of_guest(g),
                       std::to_string(10'000'000 + g) + "-0000-4000-8000-000000000000", last_cpus,
                       std::move(memory));
        made.cell(g).cpu_use = 1000;
    }
    const PlannerSettings settings;
    tick.history = learn({}, tick.snapshot, plan(tick.snapshot, {}, settings), {});
    tick.plan = plan(tick.snapshot, tick.history, settings);
    for (const Action& action : tick.plan.actions)
        tick.results.push_back({action, 0, ""});
    return std::make_shared<const Tick>(tick);
}

}  // namespace vnuma::test
