// The CPU time of `vnumactl top` with 500 guests: of drawing a frame, and of all that it does in a
// second but the terminal's part.
#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "src/control/protocol/json.hpp"
#include "src/control/queries/guests.hpp"
#include "src/control/queries/status.hpp"
#include "src/ctl/top/render.hpp"
#include "tests/benchmarks/tick_of_guests.hpp"

namespace vnuma::ctl::top {
namespace {

constexpr std::size_t guest_count = 500;
constexpr Abilities abilities{.utf8 = true, .colour = true};

// What the daemon replies each second.
struct Replies {
    std::string status, guests;
};

Replies make_replies() {
    const auto tick = test::tick_of_guests(guest_count);
    const control::ServerFacts facts{.version = "1.0", .source = "auto", .interval_ms = 2000};
    return {control::to_json(control::make_status(*tick, facts)).dump(),
            control::to_json(control::summarize_guests(*tick)).dump()};
}

template <typename T>
Reply parse(const std::string& reply) {
    return control::from_json<T>(nlohmann::json::parse(reply), false);
}

Model after(Model model, const Replies& replies) {
    model = update(std::move(model), parse<control::Status>(replies.status)).model;
    return update(std::move(model), parse<std::vector<control::GuestSummary>>(replies.guests))
        .model;
}

Size size_of(const benchmark::State& state) {
    return {static_cast<int>(state.range(0)), static_cast<int>(state.range(1))};
}

void top_frame(benchmark::State& state) {
    const Model model = after(start(size_of(state)).model, make_replies());
    for ([[maybe_unused]] auto _ : state)
        benchmark::DoNotOptimize(render(model, abilities));
}

void top_second(benchmark::State& state) {
    const Replies replies = make_replies();
    Model model = start(size_of(state)).model;
    for ([[maybe_unused]] auto _ : state) {
        model = after(std::move(model), replies);
        benchmark::DoNotOptimize(render(model, abilities));
    }
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"columns", "rows"})
        ->Args({80, 24})
        ->Args({200, 60})
        ->Unit(benchmark::kMillisecond);
}
BENCHMARK(top_frame)->Apply(sizes);
BENCHMARK(top_second)->Apply(sizes);

}  // namespace
}  // namespace vnuma::ctl::top
