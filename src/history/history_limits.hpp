// Limits of the history on disk.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace vnuma::history {

inline constexpr std::chrono::milliseconds history_length = std::chrono::hours(24);
// Of the file and of its write-ahead log together. A minute of a cell takes about 55 bytes, so that
// 24 h of 750 cells fit.
inline constexpr std::int64_t history_bytes = std::int64_t{64} << 20;
// About half of the bytes: happenings must not push out the minutes.
inline constexpr std::int64_t max_kept_happenings = 100'000;
// Of a happening's text and of a guest's name; the rest is cut off.
inline constexpr std::size_t max_kept_text = 4096;

struct HistoryLimits {
    std::chrono::milliseconds length = history_length;
    std::int64_t bytes = history_bytes;
    std::int64_t happenings = max_kept_happenings;
    std::chrono::milliseconds lock_patience = std::chrono::seconds(2);  // with another process
};

}  // namespace vnuma::history
