// Splits a stream of bytes into lines. Pure: neither I/O nor a clock.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "qmp/memory_budget.hpp"

namespace vnuma::qmp {

// Memory that a buffer keeps while no line is being received. It is not counted.
inline constexpr std::size_t max_idle_bytes = 8 * 1024;

// It does not matter how the bytes are divided over calls of feed().
class LineBuffer {
  public:
    explicit LineBuffer(std::size_t max_line_bytes, std::shared_ptr<MemoryBudget> budget = nullptr)
        : max_line_bytes_(max_line_bytes), held_(std::move(budget)) {}

    // Returns false, and drops the bytes, if the budget has too little left.
    bool feed(std::string_view bytes);

    // The next complete line without its end, "\r\n" or "\n". It is valid until the next call of a
    // function that changes the buffer. Nothing if more bytes are needed, or if too_long().
    std::optional<std::string_view> next();

    // Whether the line that next() has met last is longer than the limit. The buffer is of no
    // further use then, except to clear it.
    bool too_long() const { return too_long_; }

    // Whether the bytes fed so far end inside a line.
    bool in_line() const { return begin_ < buffer_.size(); }

    // Drops everything.
    void clear();

  private:
    void forget_lines();
    bool hold(std::size_t bytes);

    std::size_t max_line_bytes_;
    MemoryShare held_;  // what the buffer takes, if it takes more than max_idle_bytes
    std::string buffer_;
    std::size_t begin_ = 0;    // begin of the first line that next() has not returned
    std::size_t scanned_ = 0;  // there is no newline from `begin_` to here
    bool too_long_ = false;
};

}  // namespace vnuma::qmp
