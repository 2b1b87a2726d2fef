// A process that cannot be mistaken for another: an open directory in /proc and a pidfd.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "guests/model/settings.hpp"

namespace vnuma {

// What a kernel lacks or forbids, and what a process no longer is: std::system_error otherwise.
class Process {
  public:
    // Nothing if there is no such process. Throws std::system_error when the kernel refuses.
    static std::optional<Process> open(pid_t pid);

    // A recorded tree of one process' files, for tests and benchmarks; it lives for ever.
    static std::optional<Process> open_recorded(const std::string& directory);

    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    ~Process();

    pid_t pid() const { return pid_; }
    std::uint64_t start_time() const { return start_time_; }

    // Whether it was opened by open_recorded().
    bool recorded() const { return pidfd_ < 0; }

    // False once it has exited, even if its number is in use again.
    bool alive() const;

    // A file of its /proc directory; nothing when it cannot be read (gone, or not permitted).
    std::optional<std::string> read(const std::string& file) const;
    // The beginning of a file that is long, or costly to read on.
    std::optional<std::string> read_head(const std::string& file, std::size_t bytes) const;
    // The same for reading bit by bit; the caller closes it. -1, with errno set, if it fails.
    int open_file(const std::string& file) const;
    // The counterparts for files that take a command. Neither makes a file that is not there; errno
    // is set if they fail.
    int open_to_write(const std::string& file) const;
    bool write(const std::string& file, const std::string& text) const;
    std::vector<pid_t> tasks() const;

    // Where a symbolic link below its directory leads ("exe", "fd/7"); empty when it cannot be
    // told.
    std::string read_link(const std::string& link) const;
    // Names in a directory below its own, without the dots; at most `limit`.
    std::vector<std::string> list(const std::string& directory, std::size_t limit) const;

  private:
    Process(pid_t pid, int directory, int pidfd);

    pid_t pid_;
    int directory_;
    int pidfd_;
    std::uint64_t start_time_ = 0;
};

// Whole small files, as /proc and /sys have them.
std::optional<std::string> read_small_file(int directory, const std::string& file);

// Names in a directory below another, without the dots; at most `limit`.
std::vector<std::string> list_directory(int above, const std::string& directory, std::size_t limit);

}  // namespace vnuma
