// Reading and writing files and directories by system calls. What fails returns nothing or false,
// with errno set; calls that a signal interrupts are repeated.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma {

// Limit of read_small_file(), in bytes. numa_maps of a guest with thousands of mappings, the
// longest file that vnumad reads whole, stays far below.
inline constexpr std::size_t max_small_file_bytes = 64 * 1024 * 1024;

// The rest of the file, or its first `limit` bytes if it is longer.
std::optional<std::string> read_all(int fd, std::size_t limit);

// What one read(2) of up to `limit` bytes returns. Files of /proc produce their text as it is read,
// so this is the cheap way to the beginning of a long one.
std::optional<std::string> read_once(int fd, std::size_t limit);

// Writes the whole text, in several calls if need be.
bool write_all(int fd, std::string_view text);

// Writes the whole text in one write(2), as files of /proc and /sys that take a command need it.
// EIO if the kernel takes only a part.
bool write_once(int fd, std::string_view text);

// A whole file of /proc or /sys, up to max_small_file_bytes. `file` is relative to the open
// directory; AT_FDCWD serves for an absolute path.
std::optional<std::string> read_small_file(int directory, const std::string& file);
std::optional<std::string> read_small_file(const std::string& file);

// Names of a directory's entries except those that begin with a dot, at most `limit`, in the
// kernel's order. Empty if the directory cannot be read. `path` is relative to the open directory.
std::vector<std::string> list_directory(int directory, const std::string& path, std::size_t limit);

}  // namespace vnuma
