// A file of lines with a limited size. A full file is renamed to FILE.1, and FILE begins anew.
#pragma once

#include <cstdint>
#include <string>

#include "guests/process/file_descriptor.hpp"

namespace vnuma {

// FILE and FILE.1 together have at most twice this.
inline constexpr std::int64_t max_recording_bytes = 64 << 20;

// Not thread-safe. Calls block on the file system.
class RecordFile {
  public:
    // Opens or creates a regular file with mode 0600, since it names guests. Lines that are there
    // are kept, but an incomplete last line, which a crash may leave, is cut off. Throws
    // std::system_error.
    explicit RecordFile(std::string path, std::int64_t limit = max_recording_bytes);

    // Writes a line and a newline to the page cache, and returns an empty string. On failure, for
    // example on a full disk, cuts off what was written of the line, closes the file, and returns
    // what went wrong; the next call opens the file again.
    std::string append(std::string line);

  private:
    void open();
    void rotate();

    std::string path_;
    std::int64_t limit_;
    std::int64_t size_ = 0;
    FileDescriptor fd_;  // none after a failure
};

}  // namespace vnuma
