// A guest's work and stalls during scans of it and between them, by seconds. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "integration/scenarios/overhead.hpp"

namespace vnuma::lab {

struct TrackedSecond {
    double accesses = 0;
    double stall_ms = 0;      // the longest
    std::uint64_t scans = 0;  // finished by the end of this second, as reported by vnumad
};

// A scan is in this many seconds, the last of which is the one at whose end vnumad has reported it.
// It lasts four seconds (docs/tracking.md), and the report comes up to a second late.
inline constexpr int seconds_of_scan = 6;

// vnumad works in the first two seconds of a scan (beginning) and in the last two (end). In the
// middle only the kernel does.
enum class Moment { between, beginning, middle, end };

// The stalls of all seconds of one kind, from the first complete scan to the end of the last.
// Seconds before and after may be part of another scan.
std::vector<double> stalls_in(const std::vector<TrackedSecond>& seconds, Moment moment);

// The guest's work lost by each scan, in seconds of its usual work. The usual work is the mean of
// the seconds between scans within ten seconds on either side. A scan with less than three of these
// is left out. Successive scans share some of these seconds, so that the uncertainty of the mean is
// a little greater than for independent values.
std::vector<double> work_lost(const std::vector<TrackedSecond>& seconds);

// The standard error of the mean; 0 for fewer than two values.
double uncertainty_of(const std::vector<double>& values);
// The least value that `percent` of the values do not exceed; 0 for no values.
double percentile_of(std::vector<double> values, int percent);

}  // namespace vnuma::lab
