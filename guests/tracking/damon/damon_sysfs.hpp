// The kernel's DAMON by its files in sysfs: how one kdamond is set up, turned on, asked and turned
// off. Whose kdamonds there are is in damon_pool.hpp.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guests/tracking/damon/damon_plan.hpp"

namespace vnuma {

// Regions that are read of one answer. DAMON keeps to max_regions, roughly.
inline constexpr std::size_t max_regions_told = 4 * max_damon_regions;
// The kernel refuses with EBUSY whatever comes while its one lock for all of DAMON is held.
inline constexpr int max_busy_tries = 60;
inline constexpr std::chrono::milliseconds busy_pause{5};
// Of kdamonds: a vCPU is not interrupted for one, which still gets a tenth of a CPU that others
// want.
inline constexpr int kdamond_nice = 10;

struct FileText {
    int error = 0;  // errno
    std::string text;
};

// The files of one directory, by their paths below it.
class DamonFiles {
  public:
    DamonFiles() = default;
    DamonFiles(const DamonFiles&) = delete;
    DamonFiles& operator=(const DamonFiles&) = delete;
    virtual ~DamonFiles() = default;

    virtual FileText read(const std::string& file) = 0;
    virtual int write(const std::string& file, std::string_view text) = 0;  // errno
    virtual std::vector<std::string> list(const std::string& directory, std::size_t limit) = 0;
    virtual void pause(std::chrono::milliseconds time) = 0;
    // CPU time of a kdamond; none when it has ended.
    virtual std::optional<std::chrono::nanoseconds> cpu_time(pid_t thread) = 0;
    // As setpriority(2). What is no kdamond, or may not be changed, stays as it is.
    virtual void set_nice(pid_t thread, int nice) = 0;
};

// The real ones. For its lifetime no other process gets one of the same directory: the lock is on
// the directory itself, and the kernel lets go of it whatever becomes of the process.
std::unique_ptr<DamonFiles> open_damon_files(const std::string& sysfs_root, std::string& why_not);

// Each function throws TrackingError, with the file and the reason, unless it says otherwise. Busy
// files are tried again, max_busy_tries times.
class DamonTree {
  public:
    explicit DamonTree(DamonFiles& files) : files_(files) {}

    void set(const std::string& file, std::string_view text);
    void set(const std::string& file, std::uint64_t number);
    std::string get(const std::string& file);
    std::uint64_t number(const std::string& file);

    // What is not there, or no number, is none. Not for files that can be busy.
    std::optional<std::uint64_t> find_number(const std::string& file);

    bool is_on(std::size_t kdamond);
    // Nothing happens to one that is off.
    void turn_off(std::size_t kdamond);

    // All that is the same for each look.
    void prepare(std::size_t kdamond);
    // Its regions are not written where it `has` the same.
    void configure(std::size_t kdamond, pid_t target, const DamonPlan& plan,
                   const std::vector<AddressRange>& has);
    // It runs with kdamond_nice from then on.
    void turn_on(std::size_t kdamond);
    // Has the kernel write down what it knows now; returns how long that took.
    std::chrono::milliseconds update(std::size_t kdamond);
    // What it has written down; what is no region is left out. Of those that it was given and has
    // kept to, only how often they were accessed is read: that takes a third of the time.
    std::vector<DamonRegion> regions(std::size_t kdamond, const DamonPlan& plan);
    // Since it was turned on; none if it has ended, or cannot be read.
    std::optional<std::chrono::nanoseconds> cpu_time(std::size_t kdamond);
    // If not, it tells after complete counts only: schemes with intervals of their own came with
    // Linux 6.7.
    bool tells_between_counts(std::size_t kdamond);

  private:
    // None while it is off, or cannot be read.
    std::optional<pid_t> thread_of(std::size_t kdamond);
    int write(const std::string& file, std::string_view text);
    FileText read(const std::string& file);
    void write_regions(const std::string& target, const std::vector<AddressRange>& regions,
                       const std::vector<AddressRange>& has);
    std::optional<DamonRegion> region(const std::string& directory);
    bool are_as_given(const std::string& directory, std::size_t count, const DamonPlan& plan);

    DamonFiles& files_;
};

}  // namespace vnuma
