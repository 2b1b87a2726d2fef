// Access to the files of /sys/kernel/mm/damon/admin/kdamonds, and to the kernel's kdamond threads.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma {

struct DamonFileText {
    int error = 0;  // errno, or 0
    std::string text;
};

// Files are named by their path below the directory.
class DamonFiles {
  public:
    DamonFiles() = default;
    DamonFiles(const DamonFiles&) = delete;
    DamonFiles& operator=(const DamonFiles&) = delete;
    virtual ~DamonFiles() = default;

    virtual DamonFileText read(const std::string& file) = 0;
    // Returns errno, or 0.
    virtual int write(const std::string& file, std::string_view text) = 0;
    // Returns the names of at most `limit` files.
    virtual std::vector<std::string> list(const std::string& directory, std::size_t limit) = 0;
    // Sleeps, so that a busy file can be tried again.
    virtual void pause(std::chrono::milliseconds time) = 0;
    // The CPU time of a kdamond thread; nothing if the thread has ended.
    virtual std::optional<std::chrono::nanoseconds> cpu_time(pid_t thread) = 0;
    // Calls setpriority(2) for a kdamond thread. Does nothing for any other thread, and ignores
    // errors.
    virtual void set_nice(pid_t thread, int nice) = 0;
};

// Opens the kernel's files and locks their directory, so that no other vnumad uses them as long as
// the returned object lives. The kernel releases the lock however the process ends. Returns null
// and sets `error` if DAMON cannot be used.
std::unique_ptr<DamonFiles> open_damon_files(const std::string& sysfs_root, std::string& error);

}  // namespace vnuma
