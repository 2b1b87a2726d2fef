// A file of /proc that is read again and again, and stays open in between.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

// Opening and closing a file of /proc takes longer than reading it. A file of a task that has ended
// cannot be read any more, even if its number is in use again.
class KeptFile {
  public:
    // The next reading opens the file.
    KeptFile() = default;

    // What one pread(2) of up to max_kept_text bytes returns; nothing if the task has ended. The
    // text is valid until any KeptFile is read again on this thread.
    std::optional<std::string_view> read(const Process& process, const std::string& file);

  private:
    FileDescriptor fd_;
};

inline constexpr std::size_t max_kept_text = 4096;

}  // namespace vnuma
