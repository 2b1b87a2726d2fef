// DAMON's interface in sysfs (Documentation/admin-guide/mm/damon/usage.rst of the kernel): a
// kdamond is configured, turned on, asked for its regions, and turned off. KdamondPool decides
// which kdamonds belong to vnumad.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guests/tracking/damon/damon_files.hpp"
#include "guests/tracking/damon/damon_plan.hpp"

namespace vnuma {

// Most regions that are read of one report. DAMON keeps to max_regions only roughly.
inline constexpr std::size_t max_regions_read = 4 * max_damon_regions;
// The kernel has one lock for all of DAMON's files, and returns EBUSY while another holds it.
inline constexpr int max_busy_tries = 60;
inline constexpr std::chrono::milliseconds busy_pause{5};
// The nice value of kdamonds. No vCPU is interrupted for such a thread, which still gets a tenth of
// a contended CPU.
inline constexpr int kdamond_nice = 10;

// Kdamonds are named by their index. Busy files are tried max_busy_tries times. Functions throw
// TrackingError, with the file and the reason, unless they say otherwise.
class DamonTree {
  public:
    explicit DamonTree(DamonFiles& files) : files_(files) {}

    void set(const std::string& file, std::string_view text);
    void set(const std::string& file, std::uint64_t number);
    std::string get(const std::string& file);
    std::uint64_t get_number(const std::string& file);

    // Returns nothing if the file does not exist or holds no number, and never throws. A busy file
    // is not tried again.
    std::optional<std::uint64_t> find_number(const std::string& file);

    bool is_on(std::size_t kdamond);
    // Does nothing if the kdamond is off.
    void turn_off(std::size_t kdamond);

    // Configures what all scans have in common.
    void prepare(std::size_t kdamond);
    // Configures a scan. `written` holds the regions that the kdamond is already configured with;
    // regions that are the same are not written again.
    void configure(std::size_t kdamond, pid_t target, const DamonPlan& plan,
                   const std::vector<AddressRange>& written);
    // Turns the kdamond on and sets its nice value.
    void turn_on(std::size_t kdamond);
    // Makes the kernel report the present regions. Returns how long that took.
    std::chrono::milliseconds update_regions(std::size_t kdamond);
    // The regions of the last report. Entries that are no region are left out. If DAMON has kept
    // the planned regions, only their accesses are read, which takes a third of the time.
    std::vector<DamonRegion> read_regions(std::size_t kdamond, const DamonPlan& plan);
    // The CPU time of the kdamond since it was turned on; nothing if it has ended.
    std::optional<std::chrono::nanoseconds> cpu_time(std::size_t kdamond);
    // Whether schemes have an interval of their own, as since Linux 6.7. Without one the kernel
    // reports regions only at the end of an aggregation.
    bool has_apply_interval(std::size_t kdamond);

  private:
    // The thread of a kdamond that is on.
    std::optional<pid_t> thread_id(std::size_t kdamond);
    int write(const std::string& file, std::string_view text);
    DamonFileText read(const std::string& file);
    void write_regions(const std::string& target, const std::vector<AddressRange>& regions,
                       const std::vector<AddressRange>& written);
    std::optional<DamonRegion> read_region(const std::string& directory);
    bool are_as_planned(const std::string& directory, std::size_t count, const DamonPlan& plan);

    DamonFiles& files_;
};

}  // namespace vnuma
