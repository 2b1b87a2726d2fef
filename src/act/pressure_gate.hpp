// Whether the host has memory to spare for moves. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "src/observe/memory_limits.hpp"

namespace vnuma {

class PressureGate {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // With more pressure than this (/proc/pressure/memory, "some avg10"), no memory moves.
    static constexpr PerMille most_waiting = 100;
    // Nor does it until so much time has passed in which no page was swapped out.
    static constexpr std::chrono::seconds calm_time{10};
    // The kernel renews its averages every 2 s.
    static constexpr std::chrono::milliseconds reading_interval{500};

    // Whether the last reading is too old.
    bool is_due(Time now) const { return !read_ || now - *read_ >= reading_interval; }
    void update(const HostPressure& reading, Time now);

    // Why no memory moves; empty if it may.
    std::string why_closed(Time now) const;

  private:
    HostPressure last_;
    std::optional<Time> read_;     // when that was
    std::optional<Time> swapped_;  // when it was last seen that pages had been swapped out
};

}  // namespace vnuma
