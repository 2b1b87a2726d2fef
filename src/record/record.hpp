// A plan and all that it came from, as one line of JSON (docs/recording.md): planned again, it
// comes to the same. Neither reads nor writes files.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "policy/planner.hpp"

namespace vnuma {

inline constexpr int record_version = 7;

// What is read may come from anywhere. Within these limits, which no host comes near, the planner's
// sums stay inside of 64 bits and its loops are bounded.
inline constexpr std::size_t max_record_bytes = 16 << 20;  // of a line
inline constexpr std::size_t max_recorded_guests = 65'536;
inline constexpr std::size_t max_recorded_vcpus = 4096;    // of a cell
inline constexpr std::size_t max_recorded_extents = 4096;  // of memory, of a guest without vNUMA
// Of each number, and of all guests together: 4 PiB, a million CPUs.
inline constexpr Bytes max_recorded_memory = Bytes{1} << 52;
inline constexpr MilliCpu max_recorded_cpu = 1'000'000'000;
inline constexpr Millis max_recorded_time = Millis{1} << 53;
inline constexpr Millis max_recorded_horizon = 3'600'000, max_recorded_cool_down = 86'400'000;

struct Record {
    PlannerSettings settings;
    History history;  // it was planned with
    Snapshot snapshot;
    Plan plan;

    friend bool operator==(const Record&, const Record&) = default;
};

// "PATH: what is wrong", the path being the field's: snapshot.guests[2].cells[0].residency.
struct RecordError : std::runtime_error {
    RecordError(const std::string& path, const std::string& problem)
        : std::runtime_error(path.empty() ? problem : path + ": " + problem) {}
};

// Without the line's end. Bytes that are no UTF-8 are replaced.
std::string to_line(const Record& record);

// Strict: what is missing, unknown, of another type, out of range or at odds with the rest is an
// error, so that whatever is returned can be planned. Throws RecordError.
Record parse_record(std::string_view line);

// A verdict as it is in a line, with the numbers that explain() leaves out.
std::string to_text(const Verdict& verdict);

}  // namespace vnuma
