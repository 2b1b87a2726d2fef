// Reads the records of a recording one after the other (docs/recording.md).
#pragma once

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "src/record/record.hpp"
#include "src/record/replay.hpp"

namespace vnuma::ctl {

// Not thread-safe. Calls block on the file system.
class RecordReader {
  public:
    // Throws ReplayError if the file cannot be read.
    explicit RecordReader(std::string file);

    // The next record, or nothing at the end of the file. Throws ReplayError, with the number of
    // the line, for a line that is no record.
    std::optional<Record> next();

  private:
    [[noreturn]] void fail(const std::string& problem) const;

    std::string file_;
    std::ifstream in_;
    std::vector<char> buffer_;
    std::size_t line_ = 0;
};

}  // namespace vnuma::ctl
