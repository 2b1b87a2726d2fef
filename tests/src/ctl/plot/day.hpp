// A day of a host with four nodes as vnumad's history has it, for what is measured of plots.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "src/control/protocol/events.hpp"

namespace vnuma::test {

inline constexpr int day_minutes = 24 * 60, day_nodes = 4;
inline constexpr std::int64_t day_begin_ms = 1'735'689'600'000;  // 2025-01-01 in UTC
// Each guest keeps a home for so long; then its memory follows to the next node within so long.
inline constexpr int minutes_at_home = 6 * 60, minutes_of_a_move = 10;
// 100 guests have as many entries in this time as vnumactl asks for at once.
inline constexpr int minutes_of_a_page = 100;

inline std::int64_t day_time_ms(int minute) {
    return day_begin_ms + minute * std::int64_t{60'000};
}
inline std::string day_guest(int guest) {
    return "guest-" + std::to_string(guest);
}
inline std::string day_uuid(int guest) {
    return "6f1c9a5e-9b2e-4d0c-8c1f-" + std::to_string(100'000'000'000 + guest);
}

// No two guests change their homes in the same minutes, as far as there are enough of these.
struct DayOfGuest {
    DayOfGuest(int minute, int guest)
        : since_change((minute + guest * 37) % minutes_at_home),
          home((guest + (minute + guest * 37) / minutes_at_home) % day_nodes),
          former((home + day_nodes - 1) % day_nodes) {}

    int since_change, home, former;
};

inline control::CellMinute day_minute(int minute, int guest) {
    constexpr Bytes all = Bytes{8} << 30;
    const DayOfGuest now(minute, guest);
    // Whatever a guest does leaves noise in each of its lines.
    const int noise = (minute * 7919 + guest * 104'729) % 97;
    const int left = std::max(minutes_of_a_move - now.since_change, 0);
    control::CellMinute cell;
    cell.time_ms = day_time_ms(minute);
    cell.guest = day_guest(guest);
    cell.uuid = day_uuid(guest);
    cell.home = now.home;
    cell.cpu_use = 1000 + 10 * noise;
    cell.locality = 990 - noise - 800 * left / minutes_of_a_move;
    const Bytes away = (all - 128 * mib) * left / minutes_of_a_move + noise * mib;
    cell.memory = {{now.home, all - away}, {now.former, away}};
    std::sort(cell.memory.begin(), cell.memory.end(),
              [](const auto& a, const auto& b) { return a.node < b.node; });
    return cell;
}

inline void add_day_events(int minute, int guest, std::vector<control::Happening>& events) {
    const DayOfGuest now(minute, guest);
    const auto add = [&](control::EventKind kind, std::string text) {
        control::Happening event;
        event.kind = kind;
        event.time_ms = day_time_ms(minute) + guest;
        event.guest = day_guest(guest);
        event.uuid = day_uuid(guest);
        event.cell = 0;
        event.text = std::move(text);
        events.push_back(std::move(event));
    };
    const std::string node = "node " + std::to_string(now.home);
    if (now.since_change == 0) {
        add(control::EventKind::home_changed,
            "moves to " + node +
                ", which costs 1240 CPU ms less in 60 s, because its vCPUs get more of the CPUs");
        add(control::EventKind::move_began, "8 GiB are to move to " + node);
    }
    if (now.since_change == minutes_of_a_move)
        add(control::EventKind::move_ended, "8 GiB have moved to " + node + " in 10 min");
}

inline std::vector<control::HistoryPage> history_of_a_day(int guests) {
    std::vector<control::HistoryPage> pages;
    for (int minute = 0; minute < day_minutes; ++minute) {
        if (minute % minutes_of_a_page == 0) pages.emplace_back();
        control::HistoryPage& page = pages.back();
        for (int guest = 0; guest < guests; ++guest) {
            page.cells.push_back(day_minute(minute, guest));
            add_day_events(minute, guest, page.events);
        }
        for (int node = 0; node < day_nodes; ++node)
            page.nodes.push_back({day_time_ms(minute), node, 64'000,
                                  20'000 + (minute * 31 + node * 977) % 20'000, 500,
                                  Bytes{512} << 30, (Bytes{200} << 30) + minute * mib});
    }
    return pages;
}

}  // namespace vnuma::test
