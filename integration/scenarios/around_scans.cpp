#include "integration/scenarios/around_scans.hpp"

#include <algorithm>
#include <cmath>

namespace vnuma::lab {
namespace {

// Seconds on either side of a scan, and the least number of them between scans.
constexpr std::size_t near = 10, least_near = 3;

struct Moments {
    std::vector<std::size_t> scans;  // the first second of each
    std::vector<Moment> of;          // by second
    std::size_t begin = 0, end = 0;  // from the first complete scan to the end of the last
};

Moments moments_of(const std::vector<TrackedSecond>& seconds) {
    Moments moments;
    moments.of.assign(seconds.size(), Moment::between);
    for (std::size_t i = seconds_of_scan; i < seconds.size(); ++i) {
        if (seconds[i].scans == seconds[i - 1].scans) continue;
        const std::size_t first = i + 1 - seconds_of_scan;
        for (std::size_t second = first; second <= i; ++second) {
            const Moment moment = second < first + 2 ? Moment::beginning
                                  : second + 2 <= i  ? Moment::middle
                                                     : Moment::end;
            // If the next scan begins at once, the second is an end rather than a beginning.
            moments.of[second] = std::max(moments.of[second], moment);
        }
        if (moments.scans.empty()) moments.begin = first;
        moments.end = i + 1;
        moments.scans.push_back(first);
    }
    return moments;
}

}  // namespace

std::vector<double> stalls_in(const std::vector<TrackedSecond>& seconds, Moment moment) {
    const Moments moments = moments_of(seconds);
    std::vector<double> stalls;
    for (std::size_t i = moments.begin; i < moments.end; ++i)
        if (moments.of[i] == moment) stalls.push_back(seconds[i].stall_ms);
    return stalls;
}

std::vector<double> work_lost(const std::vector<TrackedSecond>& seconds) {
    const Moments moments = moments_of(seconds);
    std::vector<double> lost;
    for (const std::size_t first : moments.scans) {
        const std::size_t behind = first + seconds_of_scan;
        std::vector<double> others;
        double work = 0;
        for (std::size_t i = std::max(first, moments.begin + near) - near;
             i < std::min(behind + near, moments.end); ++i) {
            if (i >= first && i < behind)
                work += seconds[i].accesses;
            else if (moments.of[i] == Moment::between)
                others.push_back(seconds[i].accesses);
        }
        const double usual = spread_of(others).mean;
        if (others.size() < least_near || usual <= 0) continue;
        lost.push_back(seconds_of_scan - work / usual);
    }
    return lost;
}

double uncertainty_of(const std::vector<double>& values) {
    return values.empty()
               ? 0
               : spread_of(values).deviation / std::sqrt(static_cast<double>(values.size()));
}

double percentile_of(std::vector<double> values, int percent) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const std::size_t rank = (values.size() * static_cast<std::size_t>(percent) + 99) / 100;
    return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

}  // namespace vnuma::lab
