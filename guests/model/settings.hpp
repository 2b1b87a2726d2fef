// The settings of all of guests/ are here: where guests are found, how their memory is read, and
// how its use is tracked. Data only; src/config reads them from the configuration.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace vnuma {

// Where the kernel's file systems are mounted. Tests and benchmarks use recorded files instead.
struct Roots {
    std::string proc = "/proc";
    std::string cgroup = "/sys/fs/cgroup";
    std::string sysfs = "/sys";

    // Whether the processes are recorded ones, which do not exist on this host.
    bool is_recording() const { return proc != "/proc"; }
};

struct LibvirtSettings {
    std::string uri = "qemu:///system";
    // libvirt keeps a file NAME.pid here for each running domain. No call of its API returns a pid.
    std::string pid_directory = "/run/libvirt/qemu";
    bool ask_monitor = true;  // whether QEMU's monitor may be asked for what libvirt does not know
    // Whether each domain is asked about at every look, and not only when something may have
    // changed. That is for a vnumad that changes the domains' XML itself.
    bool ask_at_every_look = false;
};

// What management software calls the QMP sockets of guests. Other sockets in the same directory are
// guest agents, serial consoles and VNC, which serve one client each, too.
inline std::vector<std::string> default_qmp_patterns() {
    return {"*.qmp", "*.sock", "*.monitor"};
}

// Whether a table lists the names of an enumeration in the order of its values, so that a value is
// the index of its name.
template <typename Enum, std::size_t size>
constexpr bool is_in_order(const std::array<std::pair<Enum, const char*>, size>& names) {
    for (std::size_t i = 0; i < size; ++i)
        if (static_cast<std::size_t>(names[i].first) != i) return false;
    return true;
}

enum class ResidencyMode {
    automatic,    // summed for guests that are read quickly, incremental for others
    summed,       // numa_maps: the kernel's sums over whole mappings, nothing about single chunks
    full,         // every page at every tick
    incremental,  // at every tick one page of each chunk, and all pages of some chunks
    sampled,      // at every tick one page of each chunk, another one each time
};

inline constexpr std::array<std::pair<ResidencyMode, const char*>, 5> residency_modes{{
    {ResidencyMode::automatic, "auto"},
    {ResidencyMode::summed, "summed"},
    {ResidencyMode::full, "full"},
    {ResidencyMode::incremental, "incremental"},
    {ResidencyMode::sampled, "sampled"},
}};
static_assert(is_in_order(residency_modes));

constexpr const char* name(ResidencyMode mode) {
    return residency_modes[static_cast<std::size_t>(mode)].second;
}

struct SamplerSettings {
    ResidencyMode residency = ResidencyMode::automatic;
    bool pagemap = false;  // read residency from pagemap if this process may; otherwise move_pages
    // CPU time that reading residency may take at one tick. Guests for which it does not suffice
    // keep their previous residency and are read first at the next tick.
    std::chrono::microseconds residency_time{40'000};
    Roots roots{};
};

enum class HeatChoice {
    automatic,  // the best one that this host has, of those that do not disturb a guest
    damon,
    idle_page,
    soft_dirty,  // write-protects the guest's memory, and breaks others' soft-dirty tracking of it
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
static_assert(is_in_order(heat_choices));

constexpr const char* name(HeatChoice choice) {
    return heat_choices[static_cast<std::size_t>(choice)].second;
}

// Limits of an adaptive period between two scans, or between two rounds.
struct PeriodLimits {
    std::chrono::milliseconds least{2'000}, most{60'000};
};

struct TrackingSettings {
    HeatChoice heat = HeatChoice::automatic;
    bool attribution = true;
    // Why nothing is tracked, whatever the other settings; mostly empty.
    std::string disabled_reason;
    // Whether a guest may be disturbed: by rounds of induced faults, or by QEMU's own measurements.
    // A guest that is only observed never is (TrackingHint::may_disturb).
    bool may_disturb = true;
    int overhead_permille = 10;  // CPU time for tracking a guest, of the guest's own CPU time
    PeriodLimits period{};
    // A scan or a round that is expected to stall the guest for longer does not begin. The default
    // is QEMU's limit for the time that a migration stops a guest (downtime-limit).
    std::chrono::milliseconds longest_stall{300};
    std::chrono::milliseconds scan_time{2'000};  // length of a scan
    // Longest time of a round. Without rounds, the time over which faults are one observation.
    std::chrono::milliseconds round_time{2'000};
    // How long a tick waits for the count of a guest's pages before a round. The count goes on in
    // the background, and a later tick uses it.
    std::chrono::milliseconds page_count_timeout{20};
    bool heat_map = false;  // whether samples contain every chunk (TrackingSample::map)
};

}  // namespace vnuma
