// Minutes and happenings for tests of the history.
#pragma once

#include <string>
#include <vector>

#include "src/history/history_reader.hpp"
#include "src/history/history_store.hpp"
#include "tests/temporary.hpp"

namespace vnuma::test {

inline constexpr std::int64_t first_minute = 29'000'000;  // in 2025
inline constexpr Bytes gib = Bytes{1} << 30;

inline std::int64_t time_of(std::int64_t minute) {
    return (first_minute + minute) * history::minute_ms;
}

inline history::Minutes make_minutes(std::int64_t minute, int guests) {
    history::Minutes minutes;
    for (int g = 0; g < guests; ++g) {
        const std::string number = std::to_string(1000 + g);
        minutes.cells.push_back({time_of(minute),
                                 "guest" + number,
                                 "6f1c9a5e-9b2e-4d0c-8c1f-00000000" + number,
                                 0,
                                 g % 2,
                                 1900,
                                 987,
                                 {{0, 4 * gib - 8192 * g}, {1, 8192 * g}},
                                 0});
    }
    for (const int node : {0, 1})
        minutes.nodes.push_back(
            {time_of(minute), node, 16'000, 9000 + minute % 100, 300, 128 * gib, 60 * gib});
    return minutes;
}

inline control::Happening make_happening(std::int64_t time_ms, const std::string& text,
                                         const std::string& guest = "guest1000") {
    control::Happening happening;
    happening.kind = control::EventKind::home_changed;
    happening.time_ms = time_ms;
    happening.guest = guest;
    if (!guest.empty()) happening.uuid = "6f1c9a5e-9b2e-4d0c-8c1f-00000000" + guest.substr(5);
    happening.cell = 0;
    happening.to = 1;
    happening.text = text;
    return happening;
}

inline history::Batch make_batch(std::int64_t minute, int guests) {
    history::Batch batch;
    batch.minutes.push_back(make_minutes(minute, guests));
    batch.happenings.push_back(
        make_happening(time_of(minute) + 5, "minute " + std::to_string(minute)));
    batch.now_ms = time_of(minute + 1);
    return batch;
}

inline control::SinceArguments since(std::int64_t time_ms, int limit = 1000) {
    control::SinceArguments arguments;
    arguments.since_ms = time_ms;
    arguments.limit = limit;
    return arguments;
}

}  // namespace vnuma::test
