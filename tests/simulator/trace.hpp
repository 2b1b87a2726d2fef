// A trace: what happens on a host over time. Guests start, change their load, and stop. Values
// only.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/model/snapshot.hpp"

namespace vnuma::simulator {

// A cell's memory consists of equal regions. Adjacent ones are hot, and the others are warm.
inline constexpr std::size_t regions = 8, hot_regions = 2;
inline constexpr PerMille hot = 1000, warm = 50;  // relative rate of accesses

// What one cell does during a phase of its guest.
struct CellPhase {
    MilliCpu work = 0;          // CPU use if all of its memory were local
    Bytes size = 0;             // as configured, without the balloon
    PerMille allocated = 1000;  // share of the size that is allocated in the end
    std::size_t first_hot = 0;  // region
    // Of a guest without vNUMA: the vCPU whose buffer it accesses, if not its own.
    std::optional<std::size_t> buffer{};
};

struct Phase {
    Millis begins = 0;  // after the guest's arrival; 0 for the first phase
    std::vector<CellPhase> cells;
    PerMille cross_cell_share = 0;        // share of accesses that go to other cells' memory
    std::optional<std::size_t> target{};  // the cell that these go to; none: all others equally
};

// What does not change over the life of a guest.
struct CellTrace {
    int vcpus = 1;
    Bytes huge_page = 0;
    bool movable = true;
    bool tracked = true;  // whether its heat is known
    NodeSet allowed;
};

struct GuestTrace {
    std::string name;
    Millis arrives = 0, departs = 0;
    std::vector<CellTrace> cells;
    // A guest without vNUMA that fits no node. Its cells here are its vCPUs, each with a buffer. In
    // snapshots it has one cell.
    bool wide = false;
    std::vector<Phase> phases;
    GuestPolicy policy{};
    std::vector<NodeIndex> devices{};
    // Begin and end of the time in which all actions on the guest fail.
    std::optional<std::pair<Millis, Millis>> failing{};
};

struct Trace {
    std::string name;
    unsigned seed = 0;
    Millis length = 0;
    Topology topology;  // without any guest
    std::vector<GroupState> groups{};
    std::vector<GuestTrace> guests;
    PerMille jitter = 50;             // maximum deviation of work in each tick
    PerMille measurement_noise = 20;  // maximum deviation of measured CPU use and heat
    PerMille failure_rate = 0;        // share of actions that fail at random
};

inline std::string uuid_of(const GuestTrace& guest) {
    return "uuid-" + guest.name;
}

}  // namespace vnuma::simulator
