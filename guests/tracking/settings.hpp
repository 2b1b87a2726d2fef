// What can be set of the way the use of guests' memory is found out.
#pragma once

#include <array>
#include <chrono>
#include <string>

#include "guests/tracking/budget.hpp"

namespace vnuma {

enum class HeatChoice {
    automatic,  // the best that there is, of those that do nothing to a guest
    damon,
    idle_page,
    soft_dirty,  // takes down the guest's mappings, and another's soft-dirty tracking
    dirty_rate,
    none,
};

inline constexpr std::array<std::pair<HeatChoice, const char*>, 6> heat_choices{{
    {HeatChoice::automatic, "auto"},
    {HeatChoice::damon, "damon"},
    {HeatChoice::idle_page, "idle-page"},
    {HeatChoice::soft_dirty, "soft-dirty"},
    {HeatChoice::dirty_rate, "dirty-rate"},
    {HeatChoice::none, "none"},
}};

constexpr const char* name(HeatChoice choice) {
    return heat_choices[static_cast<std::size_t>(choice)].second;
}

struct TrackingSettings {
    HeatChoice heat = HeatChoice::automatic;
    bool attribution = true;
    std::string why_none;  // nothing is tracked, whatever the rest says; mostly empty
    // What a guest may feel: induced faults, QEMU's own measurement. Not of those that are only
    // observed, whatever this says (TrackingHint).
    bool may_touch = true;
    int overhead_permille = 10;  // of the guest's own CPU time
    PeriodLimits period{};
    // A round that holds a guest up for longer is its last one, and so is a look. As long as QEMU
    // lets a migration stop a guest, unless told otherwise (downtime-limit).
    std::chrono::milliseconds longest_stall{300};
    std::chrono::milliseconds look_time{2'000};   // length of a look
    std::chrono::milliseconds round_time{2'000};  // a round's at most, and of what is seen without
    // A tick waits so long for the count of a guest's pages that a round wants.
    std::chrono::milliseconds count_patience{20};
    bool heat_map = false;  // put every chunk into the sample
};

}  // namespace vnuma
