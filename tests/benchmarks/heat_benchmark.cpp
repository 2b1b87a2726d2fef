// What it costs to put one look at a guest of 1 TiB into what is known of it, on one core:
// spreading the regions that a tracker tells of over all chunks, and merging. Items are chunks.
#include <benchmark/benchmark.h>

#include <random>

#include "guests/model/access_matrix.hpp"
#include "guests/tracking/attribution/attribution.hpp"
#include "guests/tracking/heat/heat_table.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t tib = std::uint64_t{1} << 40;
constexpr std::uint64_t chunk = 2 << 20;
constexpr std::uint64_t base = 0x7f0000000000;

ChunkGrid grid_of_a_tib() {
    return ChunkGrid({{base, tib}}, chunk, max_heat_chunks);
}

// Borders at any page, as adaptive regions have them.
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

void MergeALook(benchmark::State& state) {
    HeatTable table(grid_of_a_tib());
    const auto regions = regions_of_a_tib(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state)
        benchmark::DoNotOptimize(table.merge(spread(regions, table.grid()), 13, false));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(table.grid().size()));
    state.counters["bytes_per_chunk"] =
        static_cast<double>(table.bytes_held()) / static_cast<double>(table.grid().size());
}
BENCHMARK(MergeALook)->ArgName("regions")->Arg(1024)->Arg(16'384)->Arg(524'288);

// As many kinds of fault as the kernel holds for us, each in another chunk. Items are kinds.
void FoldFaults(benchmark::State& state) {
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
        benchmark::DoNotOptimize(fold(faults, 21, map, table, matrix, Observation::round));
    state.SetItemsProcessed(state.iterations() * max_fault_kinds);
}
BENCHMARK(FoldFaults);

}  // namespace
}  // namespace vnuma
