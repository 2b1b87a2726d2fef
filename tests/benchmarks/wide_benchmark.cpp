// CPU time of a tick (plan and learn) of 1 s with one guest without vNUMA that is placed in shards.
// Pairs of vCPUs share a buffer, or all vCPUs share all memory, so that shards are formed anew at
// every repartition check (one tick in ten). Items are vCPUs.
#include <benchmark/benchmark.h>

#include <cstddef>

#include "policy/learn.hpp"
#include "policy/planner.hpp"

namespace vnuma {
namespace {

constexpr Bytes gib = 1024 * mib;
constexpr std::size_t extents = 256;  // AccessMatrix::max_extents
constexpr std::uint32_t accesses = 1000;

const PlannerSettings settings;

WideUse make_use(std::size_t vcpus, std::size_t nodes, bool all_share) {
    WideUse use;
    use.extents = extents;
    use.cpu_use.assign(vcpus, 700);
    use.confined_to.resize(vcpus);
    use.accesses.assign(vcpus * extents, 0);
    use.own.assign(vcpus, std::vector<Bytes>(nodes, 0));
    use.shared.assign(extents, std::vector<Bytes>(nodes, 0));
    const std::size_t pairs = (vcpus + 1) / 2;
    for (std::size_t extent = 0; extent < extents; ++extent) {
        use.shared[extent][extent % nodes] = static_cast<Bytes>(vcpus) * 2 * gib / Bytes{extents};
        for (std::size_t vcpu = 0; vcpu < vcpus; ++vcpu)
            if (all_share || extent * pairs / extents == vcpu % pairs)
                use.accesses[vcpu * extents + extent] = accesses;
    }
    return use;
}

// A host of four nodes, each with the CPUs for half of the guest.
Snapshot make_host(std::size_t vcpus, bool all_share) {
    constexpr std::size_t nodes = 4;
    Snapshot host;
    GuestState& guest = host.guests.emplace_back();
    guest.uuid = guest.name = "wide";
    CellState& cell = guest.cells.emplace_back();
    cell.key = {guest.uuid, 0};
    cell.vcpus = static_cast<int>(vcpus);
    cell.cpu_use = cell.vcpus * MilliCpu{700};
    cell.size = cell.vcpus * 2 * gib;
    cell.residency.assign(nodes, cell.size / Bytes{nodes});
    cell.heat = cell.residency;
    cell.allowed = NodeSet::first(nodes);
    guest.wide = make_use(vcpus, nodes, all_share);
    for (std::size_t n = 0; n < nodes; ++n) {
        HostNode& node = host.topology.nodes.emplace_back();
        node.id = static_cast<int>(n);
        node.cpus = cell.vcpus / 2;
        node.cpu_capacity = node.cpus * MilliCpu{1000};
        node.memory_total = cell.size;
        node.memory_available = cell.size * 3 / 4;
        host.topology.distances.emplace_back(nodes, 21);
        host.topology.distances[n][n] = local_distance;
    }
    return host;
}

void WideGuestTick(benchmark::State& state) {
    Snapshot host = make_host(static_cast<std::size_t>(state.range(0)), state.range(1) != 0);
    History history = learn({}, host, plan(host, {}, settings), {});
    for (auto _ : state) {
        host.now += 1000;
        const Plan made = plan(host, history, settings);
        history = learn(std::move(history), host, made, {});
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(WideGuestTick)
    ->ArgNames({"vcpus", "all_share"})
    ->ArgsProduct({{8, 32, 128, 255}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vnuma
