// A guest's work and stalls around the looks that are taken at it, by its seconds. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "integration/scenarios/overhead.hpp"

namespace vnuma::lab {

struct TrackedSecond {
    double accesses = 0;
    double stall_ms = 0;      // the longest
    std::uint64_t scans = 0;  // that had ended by then, as vnumad had said
};

// That a look is in the seconds up to the one at whose end vnumad has said that it is over: it
// lasts four (docs/tracking.md), and what vnumad says comes up to a second late.
inline constexpr int seconds_of_scan = 6;

// The first and the last two seconds of a look are its beginning and its end, in which vnumad
// works; in the middle only the kernel does.
enum class Moment { between, beginning, middle, end };

// From the first look that is known whole to the end of the last: what is before and after may be
// part of another.
std::vector<double> stalls_in(const std::vector<TrackedSecond>& seconds, Moment moment);

// What each look took of the guest's work, in seconds of what it does between looks nearby: in at
// least three seconds within ten either side, otherwise the look is left out. Looks that follow
// each other share some of these, so that the uncertainty of the mean is a little greater than of
// as many values that do not.
std::vector<double> work_lost(const std::vector<TrackedSecond>& seconds);

// The standard error of their mean; 0 of fewer than two.
double uncertainty_of(const std::vector<double>& values);
// The least value that `percent` of them do not exceed; 0 of none.
double percentile_of(std::vector<double> values, int percent);

}  // namespace vnuma::lab
