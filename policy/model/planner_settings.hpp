// What can be set of the planner, and what follows from it alone.
#pragma once

#include "policy/model/snapshot.hpp"

namespace vnuma {

struct PlannerSettings {
    Millis horizon = 60'000;     // a move has to pay back within this
    PerMille margin = 125;       // and to win by this share
    Millis cool_down = 300'000;  // between two homes of one cell
    Bytes pace = 256 * mib;      // memory moved in a second
    PerMille watermark = 50;     // of each node's memory that is never filled
    // Between two nodes whose load differs by less, load is no reason to move. ESXi's
    // Numa.MigImbalanceThreshold is the same 10 %.
    PerMille imbalance = 100;

    friend bool operator==(const PlannerSettings&, const PlannerSettings&) = default;
};

// Memory elsewhere that is too little to go on about: pages busy with I/O come and go.
inline constexpr Bytes settled_bytes = mib;
// What of a node's memory is filled at most: its watermark.
inline Bytes filled_at_most(const HostNode& node, const PlannerSettings& settings) {
    return node.memory_total / 1000 * (1000 - settings.watermark);
}

}  // namespace vnuma
