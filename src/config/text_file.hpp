// Files that people write for vnumad: its configuration and the run-time policy.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <string>

#include "guests/process/file_descriptor.hpp"

namespace vnuma {

inline constexpr std::size_t max_text_bytes = std::size_t{1} << 20;

// Neither a FIFO nor a device blocks, and a terminal does not become vnumad's. No descriptor, with
// errno set, if the file cannot be opened.
FileDescriptor open_text_file(const std::string& file);

// Either the text, or the predicate of a sentence about the file, such as "is no regular file".
struct FileText {
    std::string text, problem;
};

// A whole regular file of at most max_text_bytes: a device could be read for ever. `status` is that
// of the descriptor. Blocks on the file system.
FileText read_text_file(int fd, const struct stat& status);

// The two above for a file that is read once.
FileText read_text_file(const std::string& file);

// "cannot be read: No such file or directory", by errno.
std::string why_unreadable();

}  // namespace vnuma
