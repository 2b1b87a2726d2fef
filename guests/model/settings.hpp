// What can be set of the way guests are found, read and tracked.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <utility>

namespace vnuma {

// Where the kernel's files are. Tests and benchmarks read recorded ones, whose processes never end.
struct Roots {
    std::string proc = "/proc";
    std::string cgroup = "/sys/fs/cgroup";
    std::string sysfs = "/sys";

    bool recorded() const { return proc != "/proc"; }
};

struct LibvirtSettings {
    std::string uri = "qemu:///system";
    // Where libvirt keeps a file NAME.pid for each running domain; it has no call that tells a pid.
    std::string pid_directory = "/run/libvirt/qemu";
    bool ask_monitor = true;  // where sizes do not tell a guest's cells apart
};

enum class ResidencyMode {
    automatic,    // summed for guests that are read quickly, incremental for others
    summed,       // the kernel's own sums for all mappings; nothing of single chunks
    full,         // every page in each look
    incremental,  // one page of each chunk and all pages of some chunks in each look
    sampled,      // one page of each chunk, another one each time
};

inline constexpr std::array<std::pair<ResidencyMode, const char*>, 5> residency_modes{{
    {ResidencyMode::automatic, "auto"},
    {ResidencyMode::summed, "summed"},
    {ResidencyMode::full, "full"},
    {ResidencyMode::incremental, "incremental"},
    {ResidencyMode::sampled, "sampled"},
}};

constexpr const char* name(ResidencyMode mode) {
    return residency_modes[static_cast<std::size_t>(mode)].second;
}

struct SamplerSettings {
    ResidencyMode residency = ResidencyMode::automatic;
    bool pagemap = false;  // read residency from pagemap where that is possible
    // CPU time that reading residency may take in one look. Guests it does not suffice for keep
    // what was found before, and are next.
    std::chrono::microseconds residency_time{40'000};
    Roots roots{};
};

struct PeriodLimits {
    std::chrono::milliseconds least{2'000}, most{60'000};
};

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
    bool may_disturb = true;
    int overhead_permille = 10;  // of the guest's own CPU time
    PeriodLimits period{};
    // A round that holds a guest up for longer is its last one, and so is a look. As long as QEMU
    // lets a migration stop a guest, unless told otherwise (downtime-limit).
    std::chrono::milliseconds longest_stall{300};
    std::chrono::milliseconds scan_time{2'000};   // length of a look
    std::chrono::milliseconds round_time{2'000};  // a round's at most, and of what is seen without
    // A tick waits so long for the count of a guest's pages that a round wants.
    std::chrono::milliseconds count_patience{20};
    bool heat_map = false;  // put every chunk into the sample
};

}  // namespace vnuma
