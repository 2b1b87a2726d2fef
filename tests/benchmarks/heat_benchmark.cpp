// The CPU time, on one core, of merging the result of one scan of a guest of 1 TiB into its heat
// table: the access levels of all chunks are computed from the tracker's regions and merged. Items
// are chunks.
#include <benchmark/benchmark.h>

#include <random>

#include "guests/model/access_matrix.hpp"
#include "guests/tracking/attribution/attribution.hpp"
#include "guests/tracking/heat/chunk_levels.hpp"
#include "guests/tracking/heat/heat_table.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t tib = std::uint64_t{1} << 40;
constexpr std::uint64_t chunk = 2 << 20;
constexpr std::uint64_t base = 0x7f0000000000;

ChunkGrid grid_of_a_tib() {
    return ChunkGrid({{base, tib}}, chunk, max_heat_chunks);
}

// Regions with borders at any page, as DAMON's adaptive regions have.
std::vector<AccessedRange> regions_of_a_tib(std::size_t count) {
    std::mt19937_64 random(1);
    std::vector<std::uint64_t> borders{base, base + tib};
    while (borders.size() <= count)
        borders.push_back(base + random() % (tib / 4096) * 4096);
    std::sort(borders.begin(), borders.end());
    std::vector<AccessedRange> regions;
    for (std::size_t i = 0; i < count; ++i)
        regions.push_back(
            {borders[i], borders[i + 1], static_cast<std::uint16_t>(random() % (max_level + 1))});
    return regions;
}

void MergeAScan(benchmark::State& state) {
    HeatTable table(grid_of_a_tib());
    const auto regions = regions_of_a_tib(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state)
        benchmark::DoNotOptimize(table.merge(levels_by_chunk(regions, table.grid()), 13, false));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(table.grid().size()));
    state.counters["bytes_per_chunk"] =
        static_cast<double>(table.bytes_held()) / static_cast<double>(table.grid().size());
}
BENCHMARK(MergeAScan)->ArgName("regions")->Arg(1024)->Arg(16'384)->Arg(524'288);

// As many kinds of fault as the kernel's BPF map can hold, each at a random chunk. Items are kinds.
void RecordFaults(benchmark::State& state) {
    HeatTable table(grid_of_a_tib());
    AccessMatrix matrix(64, table.grid().size());
    RamBlock block;
    block.host = {base, tib};
    block.guest = {{0, tib}};
    const GuestPhysicalMap map({block});
    std::mt19937_64 random(1);
    std::vector<CountedFaults> faults;
    for (std::size_t i = 0; i < max_fault_kinds; ++i)
        faults.push_back({1, 2, static_cast<int>(random() % 64), random() % table.grid().size(),
                          random() % 2 == 0, 1 + random() % 512});
    for (auto _ : state)
        benchmark::DoNotOptimize(record_faults(faults, 21, map, table, matrix, FaultOrigin::round));
    state.SetItemsProcessed(state.iterations() * max_fault_kinds);
}
BENCHMARK(RecordFaults);

}  // namespace
}  // namespace vnuma
