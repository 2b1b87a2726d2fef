// CPU time of a plan by nodes and cells: from scratch, and in a steady tick (plan and learn) in
// which only loads jitter. The host grows with the number of cells. Items are cells.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "policy/learn.hpp"
#include "policy/planner.hpp"

// Counts all allocations of the program, for the benchmarks in this file. The size of each block is
// stored in front of it.
namespace {
std::int64_t bytes_live = 0, bytes_allocated = 0;
constexpr std::size_t header = alignof(std::max_align_t);
}  // namespace

// Not inlined, since GCC 12 warns about the inlined free().
[[gnu::noinline]] void* operator new(std::size_t size) {
    void* block = std::malloc(size + header);
    if (!block) throw std::bad_alloc();
    *static_cast<std::size_t*>(block) = size;
    bytes_live += static_cast<std::int64_t>(size);
    bytes_allocated += static_cast<std::int64_t>(size);
    return static_cast<char*>(block) + header;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    if (!memory) return;
    void* block = static_cast<char*>(memory) - header;
    bytes_live -= static_cast<std::int64_t>(*static_cast<std::size_t*>(block));
    std::free(block);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    operator delete(memory);
}

namespace vnuma {
namespace {

constexpr Bytes gib = 1024 * mib;
constexpr int settling_ticks = 4;
constexpr PerMille load = 700, fullness = 750;

const PlannerSettings settings;

CellState make_cell(std::mt19937& random, const std::string& uuid, int number, std::size_t nodes) {
    CellState cell;
    cell.key = {uuid, number};
    cell.vcpus = 1 + static_cast<int>(random() % 8);
    cell.cpu_use = cell.vcpus * static_cast<MilliCpu>(random() % 1000);
    cell.size = cell.vcpus * static_cast<Bytes>(1 + random() % 4) * gib;
    cell.allowed = NodeSet::first(nodes);
    cell.residency.assign(nodes, 0);
    // Half of the memory or more is on one node, the rest on random nodes.
    const std::size_t main = random() % nodes;
    for (std::size_t part = 0; part < 4; ++part)
        cell.residency[part < 2 ? main : random() % nodes] += cell.size / 5;
    cell.heat = cell.residency;
    return cell;
}

// Guests are sorted by UUID, as from the Sampler. One in eight has several cells.
Snapshot make_host(std::size_t nodes, std::size_t cells) {
    std::mt19937 random(1);
    Snapshot host;
    MilliCpu use = 0;
    Bytes size = 0;
    for (std::size_t made = 0; made < cells;) {
        GuestState& guest = host.guests.emplace_back();
        guest.name = "guest-" + std::to_string(host.guests.size());
        guest.uuid =
            std::to_string(10'000'000 + 37 * host.guests.size()) + "-0000-4000-8000-000000000000";
        const std::size_t count =
            random() % 8 == 0 ? std::min<std::size_t>(2 + random() % 3, cells - made) : 1;
        for (std::size_t c = 0; c < count; ++c, ++made) {
            guest.cells.push_back(make_cell(random, guest.uuid, static_cast<int>(c), nodes));
            use += guest.cells.back().cpu_use, size += guest.cells.back().size;
        }
    }
    const auto per_node = static_cast<std::int64_t>(nodes);
    for (std::size_t n = 0; n < nodes; ++n) {
        HostNode& node = host.topology.nodes.emplace_back();
        node.id = static_cast<int>(n);
        node.cpu_capacity = std::max<MilliCpu>(use * 1000 / load / per_node, 16'000);
        node.cpus = static_cast<int>(node.cpu_capacity / 1000);
        node.memory_total = std::max<Bytes>(size / fullness * 1000 / per_node, 64 * gib);
        node.memory_available = node.memory_total;
        for (const GuestState& guest : host.guests)
            for (const CellState& cell : guest.cells)
                node.memory_available -= cell.residency[n];
        host.topology.distances.emplace_back(nodes, 21);
        host.topology.distances[n][n] = local_distance;
    }
    return host;
}

void set_counters(benchmark::State& state) {
    const auto cells = static_cast<double>(state.range(1));
    state.SetItemsProcessed(state.iterations() * state.range(1));
    state.counters["time_per_cell"] = benchmark::Counter(
        cells, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void PlanFromScratch(benchmark::State& state) {
    const Snapshot host = make_host(static_cast<std::size_t>(state.range(0)),
                                    static_cast<std::size_t>(state.range(1)));
    for (auto _ : state)
        benchmark::DoNotOptimize(plan(host, {}, settings));
    set_counters(state);
}

// Pins all cells to their homes, and moves all of their memory there.
void bring_home(Snapshot& host, const History& history) {
    for (GuestState& guest : host.guests)
        for (CellState& cell : guest.cells) {
            const auto known = history.cells.find(cell.key);
            if (known == history.cells.end()) continue;
            const Bytes bytes = total_bytes(cell);
            for (std::size_t n = 0; n < cell.residency.size(); ++n)
                host.topology.nodes[n].memory_available += cell.residency[n];
            host.topology.nodes[known->second.home].memory_available -= bytes;
            cell.residency.assign(cell.residency.size(), 0);
            cell.residency[known->second.home] = bytes;
            cell.heat = cell.residency;
            cell.confined_to = known->second.home;
        }
}

void SteadyTick(benchmark::State& state) {
    Snapshot host = make_host(static_cast<std::size_t>(state.range(0)),
                              static_cast<std::size_t>(state.range(1)));
    History history = learn({}, host, plan(host, {}, settings), {});
    bring_home(host, history);
    const Snapshot before = host;
    std::mt19937 random(2);
    const auto pass_time = [&] {
        // The cool-down is over in every tick.
        host.now += 2 * settings.cool_down;
        for (std::size_t g = 0; g < host.guests.size(); ++g)
            for (std::size_t c = 0; c < host.guests[g].cells.size(); ++c)
                host.guests[g].cells[c].cpu_use = before.guests[g].cells[c].cpu_use *
                                                  static_cast<MilliCpu>(95 + random() % 11) / 100;
    };
    const auto tick = [&] {
        const Plan made = plan(host, history, settings);
        history = learn(std::move(history), host, made, {});
    };
    for (int i = 0; i < settling_ticks; ++i)
        pass_time(), tick();
    const std::int64_t live = bytes_live, allocated = bytes_allocated;
    for (auto _ : state) {
        state.PauseTiming();
        pass_time();
        state.ResumeTiming();
        tick();
    }
    state.counters["bytes_grown"] = static_cast<double>(bytes_live - live);
    state.counters["bytes_allocated"] = benchmark::Counter(
        static_cast<double>(bytes_allocated - allocated), benchmark::Counter::kAvgIterations);
    set_counters(state);
}

void hosts(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"nodes", "cells"})->Unit(benchmark::kMillisecond);
    for (const std::int64_t nodes : {2, 4, 8, 16})
        for (const std::int64_t cells : {10, 100, 2'000, 20'000})
            benchmark->Args({nodes, cells});
}
BENCHMARK(PlanFromScratch)->Apply(hosts);
BENCHMARK(SteadyTick)->Apply(hosts);

}  // namespace
}  // namespace vnuma
