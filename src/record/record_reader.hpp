// Reads the records of a recording one after the other (docs/recording.md).
#pragma once

#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "src/record/record.hpp"

namespace vnuma {

// A recording that cannot be read: "FILE: PROBLEM" or "FILE:LINE: PATH: PROBLEM".
struct RecordingError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Not thread-safe. Calls block on the file system.
class RecordReader {
  public:
    // Throws RecordingError if the file cannot be read.
    explicit RecordReader(std::string file);

    // The next record, or nothing at the end of the file. Throws RecordingError, with the number of
    // the line, for a line that is no record or is longer than max_record_bytes.
    std::optional<Record> next();

  private:
    [[noreturn]] void fail(const std::string& problem) const;

    std::string file_;
    std::ifstream in_;
    std::vector<char> buffer_;
    std::size_t line_ = 0;
};

}  // namespace vnuma
