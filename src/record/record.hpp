// A plan and all that it was made from, as one line of JSON (docs/recording.md). Planning a record
// again gives the same plan. This neither reads nor writes files.
#pragma once

#include <string>
#include <string_view>

#include "policy/planner.hpp"

namespace vnuma {

// Raised with every field that is added, removed, renamed, or changes its meaning.
inline constexpr int record_version = 9;

// Limits of what is read, since a record may come from anywhere. They exceed every host, keep the
// planner's sums within 64 bits, and bound its loops.
inline constexpr std::size_t max_record_bytes = 16 << 20;  // of a line
inline constexpr std::size_t max_recorded_guests = 65'536;
inline constexpr std::size_t max_recorded_pools = max_cpu_pools;
inline constexpr std::size_t max_recorded_vcpus = 4096;    // of a cell
inline constexpr std::size_t max_recorded_extents = 4096;  // of a guest without vNUMA
// Each also limits the sum over all guests: 4 PiB, a million CPUs.
inline constexpr Bytes max_recorded_memory = Bytes{1} << 52;
inline constexpr MilliCpu max_recorded_cpu = 1'000'000'000;
inline constexpr Millis max_recorded_time = Millis{1} << 53;
inline constexpr Millis max_recorded_horizon = 3'600'000, max_recorded_cool_down = 86'400'000;

struct Record {
    PlannerSettings settings;
    History history;  // before the plan
    Snapshot snapshot;
    Plan plan;

    friend bool operator==(const Record&, const Record&) = default;
};

// Without a newline. Bytes that are not UTF-8 are replaced.
std::string to_line(const Record& record);

// Strict: a field that is missing, unknown, of another type, out of range or inconsistent with
// others is an error. So every record that is returned can be planned. Throws FormatError
// (src/json/shapes.hpp).
Record parse_record(std::string_view line);

// A verdict as in a line, with the numbers that its sentence leaves out.
std::string to_text(const Verdict& verdict);

}  // namespace vnuma
