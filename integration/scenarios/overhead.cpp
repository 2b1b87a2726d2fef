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

std::vector<double> outside_rounds(const std::vector<double>& stalls_ms,
                                   const std::vector<std::string>& rounds) {
    std::vector<double> outside;
    for (std::size_t i = 0; i < stalls_ms.size(); ++i) {
        const bool ends_one = i > 0 && rounds[i] != rounds[i - 1],
                   before_one = i + 1 < rounds.size() && rounds[i] != rounds[i + 1];
        if (!ends_one && !before_one) outside.push_back(stalls_ms[i]);
    }
    return outside;
}

Phases sum_up(const std::vector<Phase>& phases) {
    Phases all;
    all.accesses_per_second = spread_over(phases, &Phase::accesses_per_second);
    all.longest_stall_ms = spread_over(phases, &Phase::longest_stall_ms);
    all.seconds_stall_ms = spread_over(phases, &Phase::seconds_stall_ms);
    all.daemon_ms_per_second = spread_over(phases, &Phase::daemon_ms_per_second);
    all.kdamond_ms_per_second = spread_over(phases, &Phase::kdamond_ms_per_second);
    return all;
}

Loss loss_of(const std::vector<Phase>& off, const std::vector<Phase>& on) {
    const std::size_t pairs = std::min(off.size(), on.size());
    const double without = spread_over(off, &Phase::accesses_per_second).mean;
    if (without <= 0 || pairs == 0) return {};
    std::vector<double> lost;
    lost.reserve(pairs);
    for (std::size_t i = 0; i < pairs; ++i)
        lost.push_back(off[i].accesses_per_second - on[i].accesses_per_second);
    const Spread spread = spread_of(lost);
    return {100 * spread.mean / without,
            100 * spread.deviation / std::sqrt(static_cast<double>(pairs)) / without};
}

}  // namespace vnuma::lab
