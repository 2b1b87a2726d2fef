// A process that cannot be mistaken for another: an open directory in /proc and a pidfd.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vnuma {

// What a kernel lacks or forbids, and what a process no longer is: std::system_error otherwise.
class Process {
  public:
    // Nothing if there is no such process. Throws std::system_error when the kernel refuses.
    static std::optional<Process> open(pid_t pid);

    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    ~Process();

    pid_t pid() const { return pid_; }
    std::uint64_t start_time() const { return start_time_; }

    // False once it has exited, even if its number is in use again.
    bool alive() const;

    // A file of its /proc directory; nothing when it cannot be read (gone, or not permitted).
    std::optional<std::string> read(const std::string& file) const;
    // The same for reading bit by bit; the caller closes it. -1, with errno set, if it fails.
    int open_file(const std::string& file) const;
    std::vector<pid_t> tasks() const;

  private:
    Process(pid_t pid, int directory, int pidfd);

    pid_t pid_;
    int directory_;
    int pidfd_;
    std::uint64_t start_time_ = 0;
};

// Whole small files, as /proc and /sys have them.
std::optional<std::string> read_small_file(int directory, const std::string& file);

}  // namespace vnuma
