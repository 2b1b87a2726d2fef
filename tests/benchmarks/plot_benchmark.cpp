// The time that `vnumactl plot` takes for a day of 100 guests, and the bytes of its page.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "src/ctl/plot/plot_page.hpp"
#include "tests/benchmarks/tick_of_guests.hpp"
#include "tests/src/ctl/plot/day.hpp"

namespace vnuma::ctl::plot {
namespace {

void guests_of_a_host(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("guests")->Arg(100)->Unit(benchmark::kMillisecond);
}

// Without asking vnumad for the pages of its history.
void plot_a_day(benchmark::State& state) {
    const std::vector<control::HistoryPage> pages =
        test::history_of_a_day(static_cast<int>(state.range(0)));
    std::size_t bytes = 0;
    for ([[maybe_unused]] auto _ : state) {
        HistoryPlot history;
        for (const control::HistoryPage& page : pages)
            history.add(page);
        bytes = to_page(history.finish("vnumad's history", std::nullopt)).size();
    }
    state.counters["page_bytes"] = static_cast<double>(bytes);
}
BENCHMARK(plot_a_day)->Apply(guests_of_a_host);

// One tick of a recording, which has 43,200 of them in a day: it is parsed and added.
void plot_a_recorded_tick(benchmark::State& state) {
    const auto tick = test::tick_of_guests(static_cast<std::size_t>(state.range(0)));
    const std::string line =
        to_line({PlannerSettings(), tick->history, tick->snapshot, tick->plan});
    RecordingPlot recording;
    Millis now = 0;
    for ([[maybe_unused]] auto _ : state) {
        Record record = parse_record(line);
        record.snapshot.now = now += tick->interval.count();
        recording.add(record);
    }
    state.SetItemsProcessed(state.iterations());
    state.counters["line_bytes"] = static_cast<double>(line.size());
}
BENCHMARK(plot_a_recorded_tick)->Apply(guests_of_a_host);

}  // namespace
}  // namespace vnuma::ctl::plot
