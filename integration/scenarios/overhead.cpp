#include "integration/scenarios/overhead.hpp"

#include <algorithm>
#include <cmath>

namespace vnuma::lab {
namespace {

Spread spread_over(const std::vector<Phase>& phases, double Phase::*value) {
    std::vector<double> values;
    values.reserve(phases.size());
    for (const Phase& phase : phases)
        values.push_back(phase.*value);
    return spread_of(values);
}

}  // namespace

Spread spread_of(const std::vector<double>& values) {
    if (values.empty()) return {};
    const auto count = static_cast<double>(values.size());
    double sum = 0, squares = 0;
    for (const double value : values)
        sum += value;
    const double mean = sum / count;
    for (const double value : values)
        squares += (value - mean) * (value - mean);
    return {mean, values.size() < 2 ? 0 : std::sqrt(squares / (count - 1))};
}

double mean_outside_rounds(const std::vector<std::int64_t>& stalls_us,
                           const std::vector<std::string>& rounds) {
    double sum = 0, count = 0;
    for (std::size_t i = 0; i < stalls_us.size(); ++i) {
        const bool ends_one = i > 0 && rounds[i] != rounds[i - 1],
                   before_one = i + 1 < rounds.size() && rounds[i] != rounds[i + 1];
        if (ends_one || before_one) continue;
        sum += static_cast<double>(stalls_us[i]), ++count;
    }
    return count > 0 ? sum / count : 0;
}

Phases sum_up(const std::vector<Phase>& phases) {
    Phases all;
    all.touches_per_second = spread_over(phases, &Phase::touches_per_second);
    all.seconds_stall_ms = spread_over(phases, &Phase::seconds_stall_ms);
    all.daemon_ms_per_second = spread_over(phases, &Phase::daemon_ms_per_second);
    all.kdamond_ms_per_second = spread_over(phases, &Phase::kdamond_ms_per_second);
    for (const Phase& phase : phases)
        all.longest_stall_us = std::max(all.longest_stall_us, phase.longest_stall_us);
    return all;
}

Loss loss_of(const std::vector<Phase>& off, const std::vector<Phase>& on) {
    const std::size_t pairs = std::min(off.size(), on.size());
    const double without = spread_over(off, &Phase::touches_per_second).mean;
    if (without <= 0 || pairs == 0) return {};
    std::vector<double> lost;
    lost.reserve(pairs);
    for (std::size_t i = 0; i < pairs; ++i)
        lost.push_back(off[i].touches_per_second - on[i].touches_per_second);
    const Spread spread = spread_of(lost);
    return {100 * spread.mean / without,
            100 * spread.deviation / std::sqrt(static_cast<double>(pairs)) / without};
}

}  // namespace vnuma::lab
