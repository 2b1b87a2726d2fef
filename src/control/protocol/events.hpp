// What happens: for the log, the control socket's events and the history. Data only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/control/protocol/guests.hpp"

namespace vnuma::control {

enum class EventKind {
    guest_came,
    guest_went,
    home_changed,     // also: the first one, or none any more
    verdict_changed,  // another reason for the same home, or for none
    move_began,
    move_ended,
    refused,         // an action failed, or was refused
    felt,            // a guest feels that its memory moves
    hands_off,       // left alone from now on, or balanced again
    conflict,        // another balancer came or went
    mode_changed,    // of vnumad, or frozen and thawed
    policy_changed,  // at run time
    order,           // what an operator asked for: move, restore
    trouble,         // something is wrong, or is over
};

inline constexpr std::array<std::pair<EventKind, const char*>, 14> event_kinds{{
    {EventKind::guest_came, "GUEST_CAME"},
    {EventKind::guest_went, "GUEST_WENT"},
    {EventKind::home_changed, "HOME_CHANGED"},
    {EventKind::verdict_changed, "VERDICT_CHANGED"},
    {EventKind::move_began, "MOVE_BEGAN"},
    {EventKind::move_ended, "MOVE_ENDED"},
    {EventKind::refused, "REFUSED"},
    {EventKind::felt, "FELT"},
    {EventKind::hands_off, "HANDS_OFF"},
    {EventKind::conflict, "CONFLICT"},
    {EventKind::mode_changed, "MODE_CHANGED"},
    {EventKind::policy_changed, "POLICY_CHANGED"},
    {EventKind::order, "ORDER"},
    {EventKind::trouble, "TROUBLE"},
}};

constexpr const char* name(EventKind kind) {
    return event_kinds[static_cast<std::size_t>(kind)].second;
}

struct Happening {
    EventKind kind = EventKind::trouble;
    std::int64_t time_ms = 0;  // since 1970
    std::string guest, uuid;   // empty: it is about no guest
    std::optional<int> cell, shard;
    std::optional<int> from, to;  // nodes
    std::optional<Bytes> bytes;   // of a move: to move, or moved
    // A sentence without the guest's name and a full stop.
    std::string text;

    friend bool operator==(const Happening&, const Happening&) = default;
};

// The line of the log: "GUEST, cell 0: TEXT", "GUEST: TEXT (UUID)" where it came or went, or TEXT.
std::string to_log_line(const Happening& happening);

// One minute of a cell, for the history and for plots.
struct CellMinute {
    std::int64_t time_ms = 0;  // begin of the minute, since 1970
    std::string guest, uuid;
    int cell = 0;
    std::optional<int> home;
    MilliCpu cpu_use = 0;           // mean
    PerMille locality = 0;          // at its end
    std::vector<NodeBytes> memory;  // at its end
    Bytes moved = 0;                // in it

    friend bool operator==(const CellMinute&, const CellMinute&) = default;
};
struct NodeMinute {
    std::int64_t time_ms = 0;
    int node = 0;
    MilliCpu capacity = 0, guest_use = 0, other_use = 0;
    Bytes memory = 0, available = 0;

    friend bool operator==(const NodeMinute&, const NodeMinute&) = default;
};
// What happened since a time, the oldest first.
struct PastEvents {
    std::vector<Happening> events;
    std::string problem;  // why some are missing; empty if none are
};

struct HistoryPage {
    std::vector<CellMinute> cells;
    std::vector<NodeMinute> nodes;
    std::vector<Happening> events;
    // Begin of the next page, for `since_ms` of the next request; none: this was the last.
    std::optional<std::int64_t> next_ms;
    std::string problem;  // why older ones are missing; empty if none are
};

}  // namespace vnuma::control
