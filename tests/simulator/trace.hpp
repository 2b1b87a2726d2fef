// What happens on a host, told beforehand: guests that come, change and go. Values only, so that a
// trace can be made, stored, or written by hand.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/model/snapshot.hpp"

namespace vnuma::simulator {

// A cell's memory is that many equal regions. Some next to each other are hot, the rest is warm.
inline constexpr std::size_t regions = 8, hot_regions = 2;
inline constexpr PerMille hot = 1000, warm = 50;  // how often each is accessed

// What one cell does during a phase of its guest.
struct CellPhase {
    MilliCpu work = 0;        // CPU time it would take if all of its memory were local
    Bytes size = 0;           // as configured, less its balloon
    PerMille touched = 1000;  // of its size, sooner or later
    std::size_t first_hot = 0;
    // Of a guest without vNUMA: whose memory it touches, if not its own.
    std::optional<std::size_t> touches{};
};

struct Phase {
    Millis begins = 0;  // after the guest's arrival; that of the first phase is 0
    std::vector<CellPhase> cells;
    PerMille crossing = 0;  // share of each cell's accesses that go to other cells' memory
    std::optional<std::size_t> towards{};  // of that cell; none: of all others alike
};

// What stays as it is.
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
    // Without vNUMA, and larger than a node: its cells are its vCPUs, each with a buffer. All who
    // look at it see one cell.
    bool wide = false;
    std::vector<Phase> phases;
    GuestPolicy policy{};
    std::vector<NodeIndex> devices{};
    // From then till then whatever is done to it fails.
    std::optional<std::pair<Millis, Millis>> stuck{};
};

struct Trace {
    std::string name;
    unsigned seed = 0;
    Millis length = 0;
    Topology topology;  // before any guest has come
    std::vector<GroupState> groups{};
    std::vector<GuestTrace> guests;
    PerMille jitter = 50;   // of work, from one tick to the next, to either side
    PerMille blur = 20;     // of what is measured of use and heat, to either side
    PerMille failures = 0;  // of actions, for no reason
};

inline std::string uuid_of(const GuestTrace& guest) {
    return "uuid-" + guest.name;
}

}  // namespace vnuma::simulator
