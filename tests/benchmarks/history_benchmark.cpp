// The time of writing one minute of 100 guests to the history. It is full, so that each minute
// pushes an old one out. Items are cells.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "tests/src/history/histories.hpp"

namespace vnuma::history {
namespace {

constexpr std::int64_t minutes_of_a_day = 24 * 60;

void write_a_minute(benchmark::State& state) {
    const int guests = static_cast<int>(state.range(0));
    const test::TemporaryDirectory directory;
    HistoryStore store(directory.path("history.sqlite"));
    std::int64_t minute = 0;
    bool is_written = true;
    while (is_written && minute < minutes_of_a_day)
        is_written = store.write(test::make_batch(minute++, guests));
    for ([[maybe_unused]] auto _ : state) {
        state.PauseTiming();
        const Batch batch = test::make_batch(minute++, guests);
        state.ResumeTiming();
        is_written &= store.write(batch);
    }
    if (!is_written) state.SkipWithError(store.problem().c_str());
    state.SetItemsProcessed(state.iterations() * guests);
    const auto bytes =
        static_cast<double>(std::filesystem::file_size(directory.path("history.sqlite")));
    state.counters["file_bytes"] = bytes;
    state.counters["bytes_of_a_cell's_day"] = bytes / guests;
}
// To find a number of iterations, the day before would be written several times.
BENCHMARK(write_a_minute)
    ->ArgName("guests")
    ->Arg(100)
    ->Iterations(500)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vnuma::history
