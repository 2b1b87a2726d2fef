// The cost of access tracking for a guest, from phases with and without it. Pure.
#pragma once

#include <string>
#include <vector>

namespace vnuma::lab {

struct Spread {
    double mean = 0;
    double deviation = 0;  // standard deviation of the sample; 0 for fewer than two values
};

Spread spread_of(const std::vector<double>& values);

// One phase in which a guest works and vnumad runs.
struct Phase {
    double accesses_per_second = 0;
    double longest_stall_ms = 0;       // in the seconds without a round
    double seconds_stall_ms = 0;       // mean over these seconds of the longest stall in each
    double daemon_ms_per_second = 0;   // CPU time of vnumad
    double kdamond_ms_per_second = 0;  // CPU time of kdamonds
};

// The phases with tracking, or those without, summed up.
struct Phases {
    Spread accesses_per_second;
    Spread longest_stall_ms;  // of each phase, since a single stall may be the machine's
    Spread seconds_stall_ms;
    Spread daemon_ms_per_second;
    Spread kdamond_ms_per_second;
};

// The longest stalls of the seconds without a round. `rounds` holds vnumad's report of rounds at
// the end of each second. The report of a round may come a second late, so a second has a round if
// its entry differs from the one before or after it.
std::vector<double> outside_rounds(const std::vector<double>& stalls_ms,
                                   const std::vector<std::string>& rounds);

Phases sum_up(const std::vector<Phase>& phases);

struct Loss {
    double percent = 0;      // of the work without tracking; below 0 if tracking had more work done
    double uncertainty = 0;  // standard error of `percent`
};

// Compares successive phases in pairs, so that slow changes of the machine's speed matter little.
// Without a pair, or without work when tracking is off, both values are 0.
Loss loss_of(const std::vector<Phase>& off, const std::vector<Phase>& on);

}  // namespace vnuma::lab
