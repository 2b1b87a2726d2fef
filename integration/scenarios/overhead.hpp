// What tracking costs a guest, from phases with and without it. Pure.
#pragma once

#include <string>
#include <vector>

namespace vnuma::lab {

struct Spread {
    double mean = 0;
    double deviation = 0;  // standard deviation of the sample; 0 of fewer than two
};

Spread spread_of(const std::vector<double>& values);

// One phase of a guest's work beside vnumad.
struct Phase {
    double accesses_per_second = 0;
    double longest_stall_ms = 0;      // in a second without a round
    double seconds_stall_ms = 0;      // the longest of each such second, their mean
    double daemon_ms_per_second = 0;  // CPU time
    double kdamond_ms_per_second = 0;
};

// All phases of one way.
struct Phases {
    Spread accesses_per_second;
    Spread longest_stall_ms;  // of a phase: one alone may be the machine's
    Spread seconds_stall_ms;
    Spread daemon_ms_per_second;
    Spread kdamond_ms_per_second;
};

// The longest stalls of seconds in which no round shows. vnumad's report of a round may come a
// second after it: a second counts as one with a round when `rounds`, which is as it was reported
// at the end of each, differs from what it was before or will be in the next.
std::vector<double> outside_rounds(const std::vector<double>& stalls_ms,
                                   const std::vector<std::string>& rounds);

Phases sum_up(const std::vector<Phase>& phases);

struct Loss {
    double percent = 0;      // of the work without tracking; below 0 when there was more with it
    double uncertainty = 0;  // standard error of it, in the same unit
};

// Phases that follow each other are compared in pairs, so that what else the machine does counts
// little. No pair, or no work without tracking: 0 of both.
Loss loss_of(const std::vector<Phase>& off, const std::vector<Phase>& on);

}  // namespace vnuma::lab
