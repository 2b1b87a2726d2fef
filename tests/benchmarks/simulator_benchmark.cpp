// Ticks of a simulated host per second: the guests run, vnumad plans, and its actions are carried
// out. Items are ticks.
#include <benchmark/benchmark.h>

#include "tests/simulator/planned.hpp"
#include "tests/simulator/simulation.hpp"
#include "tests/simulator/traces.hpp"

namespace vnuma::simulator {
namespace {

void SimulateAnHour(benchmark::State& state) {
    const std::vector<Trace> traces = make_traces(1);
    const Trace& trace = traces.at(static_cast<std::size_t>(state.range(0)));
    state.SetLabel(trace.name);
    std::int64_t ticks = 0;
    for ([[maybe_unused]] auto _ : state) {
        Planned vnumad;
        Simulation simulation(trace, vnumad);
        while (simulation.step())
            ++ticks;
    }
    state.SetItemsProcessed(ticks);
}
BENCHMARK(SimulateAnHour)->DenseRange(0, 6)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vnuma::simulator
