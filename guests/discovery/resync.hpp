// When a guest that shows no change is asked again all the same. Pure: the time is a parameter.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace vnuma {

// The number of the interval of this length that a time belongs to. The intervals of each key begin
// at another time. So a guest has its turn once in an interval, and guests that were all asked in
// one look are asked again in different ones. Where one length is a multiple of another, an
// interval of the longer one begins together with one of the shorter one.
inline std::uint64_t resync_interval(const std::string& key,
                                     std::chrono::steady_clock::time_point time,
                                     std::chrono::milliseconds length) {
    const auto ms = static_cast<std::uint64_t>(length.count());
    const std::uint64_t shift = std::hash<std::string>()(key) % ms;
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
    return (static_cast<std::uint64_t>(elapsed.count()) + shift) / ms;
}

}  // namespace vnuma
