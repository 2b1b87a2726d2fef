// QMP commands that return what QEMU and KVM count: KVM's statistics, and the rate at which a guest
// dirties its memory. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "qmp/command.hpp"

namespace vnuma::qmp {

// KVM's counters since the guest's start, by name. A scalar has one element, a flag is 0 or 1, and
// a histogram has many elements.
struct Stats {
    std::string qom_path;  // of the vCPU; empty for the VM
    std::map<std::string, std::vector<std::uint64_t>> values;
};
enum class StatsTarget { vm, vcpu };
// All counters if `names` is empty. The answer is empty if the accelerator counts nothing.
Command<std::vector<Stats>> query_stats(StatsTarget target, const std::vector<std::string>& names);

// dirty_ring needs "-accel kvm,dirty-ring-size=N", and QEMU then refuses dirty_bitmap. QEMU 7.2
// crashes on dirty_ring and dirty_bitmap without KVM, and on any mode if the machine has no CPUs.
enum class DirtyRateMode { page_sampling, dirty_ring, dirty_bitmap };

struct Nothing {};  // the answer to a command that returns no data

// Starts a measurement of 1 to 60 seconds. Refused while another one runs. `sample_pages` is the
// number of pages per GiB that page_sampling samples: 128 to 16384, by default 512.
Command<Nothing> calc_dirty_rate(DirtyRateMode mode, std::chrono::seconds seconds,
                                 std::optional<int> sample_pages = std::nullopt);

struct DirtyRate {
    struct Cpu {
        int index = 0;
        std::uint64_t mib_per_s = 0;
    };
    std::string status;                      // "unstarted", "measuring" or "measured"
    std::string mode;                        // "page-sampling", "dirty-ring" or "dirty-bitmap"
    std::optional<std::uint64_t> mib_per_s;  // none until measured, or if QEMU failed to measure
    std::vector<Cpu> cpus;                   // only in mode dirty-ring
    std::chrono::milliseconds calc_time{0};  // length of the measurement
};
Command<DirtyRate> query_dirty_rate();

}  // namespace vnuma::qmp
