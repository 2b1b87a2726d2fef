// What the control socket tells of the host and of vnumad. Data only; units as in guests.hpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "src/control/protocol/guests.hpp"

namespace vnuma::control {

struct HugePool {
    Bytes page = 0, available = 0;

    friend bool operator==(const HugePool&, const HugePool&) = default;
};

struct NodeStatus {
    int node = 0;
    std::string cpus;       // online, as a list: "0-3,8"
    MilliCpu capacity = 0;  // of its cores and their hardware threads
    MilliCpu guest_use = 0, other_use = 0;
    Bytes memory = 0, available = 0;  // without pools of huge pages
    Bytes guest_memory = 0;           // of guests, resident here
    // Of it, bytes whose vCPUs have another home; and the same, weighted by heat.
    Bytes not_at_home = 0, hot_remote = 0;
    std::vector<HugePool> huge;
    std::vector<int> distances;  // to each node, in their order

    friend bool operator==(const NodeStatus&, const NodeStatus&) = default;
};

struct GuestCounts {
    int all = 0, at_home = 0, moving = 0, waiting = 0, roaming = 0, left_alone = 0;

    friend bool operator==(const GuestCounts&, const GuestCounts&) = default;
};

// Another balancer on this host.
struct RivalStatus {
    std::string name, presence, handling, effect;  // as in a report

    friend bool operator==(const RivalStatus&, const RivalStatus&) = default;
};

struct Status {
    std::string version;
    pid_t pid = 0;
    std::int64_t uptime_ms = 0;
    Mode mode = Mode::act;
    std::string source;  // "auto", "libvirt", "qmp" or "proc"
    std::uint64_t tick = 0;
    std::int64_t time_ms = 0;  // of the last tick, since 1970
    std::int64_t interval_ms = 0;
    std::string frozen;                // why nothing is done; empty where actions are taken
    std::string blind;                 // why nothing could be seen; guests and nodes are empty then
    std::vector<std::string> trouble;  // everything else that is wrong, as sentences
    std::vector<RivalStatus> rivals;
    GuestCounts guests;
    std::vector<NodeStatus> nodes;
    // Guests that are neither at home nor roaming, with their reasons.
    std::vector<GuestSummary> not_at_home;

    friend bool operator==(const Status&, const Status&) = default;
};

}  // namespace vnuma::control
