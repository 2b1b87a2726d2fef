// A process that cannot be mistaken for another: an open directory in /proc and a pidfd.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "guests/process/file_descriptor.hpp"

namespace vnuma {

struct TaskStat;

// Which file a path leads to.
struct FileId {
    dev_t device = 0;
    ino_t inode = 0;
    friend bool operator==(const FileId&, const FileId&) = default;
};

// Files, links and directories are named relative to the process' directory in /proc ("status",
// "task/12/stat"). A process that has ended, and a file that may not be read, is no error: the
// calls return nothing, or an empty list or string. Any thread may call the const functions.
class Process {
  public:
    // Nothing if there is no such process. Throws std::system_error if the kernel refuses.
    static std::optional<Process> open(pid_t pid);

    // A recorded copy of a process' /proc directory, for tests and benchmarks. It never ends.
    static std::optional<Process> open_recorded(const std::string& directory);

    pid_t pid() const { return pid_; }
    std::uint64_t start_time() const { return start_time_; }  // clock ticks since boot

    // Whether this is a recorded copy, whose pid means nothing on this host.
    bool is_recording() const { return !pidfd_; }

    // False once the process has ended, even if its pid is in use again.
    bool alive() const;

    std::optional<std::string> read(const std::string& file) const;
    // The beginning of a file that is long, or that costs much to produce: what one read(2) of that
    // many bytes returns.
    std::optional<std::string> read_head(const std::string& file, std::size_t bytes) const;
    // Writes a command to a file, such as clear_refs. False, with errno set, if that fails.
    bool write(const std::string& file, const std::string& text) const;

    // An open file, for reading it piece by piece, or for writing; neither creates it. No
    // descriptor, with errno set, if that fails.
    FileDescriptor open_for_reading(const std::string& file) const;
    FileDescriptor open_for_writing(const std::string& file) const;

    // Ids of its threads, at most 16384.
    std::vector<pid_t> tasks() const;

    // Number of its threads, without listing them; 0 if it has ended.
    std::size_t count_tasks() const;

    // Names in "fd": the numbers of its open files, at most 8192.
    std::vector<std::string> open_files() const;

    // Target of a symbolic link ("exe", "fd/7"); empty if it cannot be read.
    std::string read_link(const std::string& link) const;

    // The file that a path leads to, links followed: "root/run/a.sock" is "/run/a.sock" as the
    // process sees it. Nothing if the path leads nowhere or may not be followed.
    std::optional<FileId> file_id(const std::string& path) const;

    // Names of a directory's entries, without those that begin with a dot; at most `limit`.
    std::vector<std::string> list(const std::string& directory, std::size_t limit) const;

  private:
    Process(pid_t pid, FileDescriptor directory, FileDescriptor pidfd);

    std::optional<TaskStat> read_stat() const;

    pid_t pid_;
    FileDescriptor directory_;
    FileDescriptor pidfd_;  // none for a recorded process
    std::uint64_t start_time_ = 0;
};

}  // namespace vnuma
