// The planner's settings, and limits that follow from them alone.
#pragma once

#include "policy/model/snapshot.hpp"

namespace vnuma {

// Limit of PlannerSettings::changes_per_hour: so many changes are remembered.
inline constexpr int max_changes_per_hour = 60;

struct PlannerSettings {
    Millis horizon = 60'000;     // time within which a new home must pay back its cost
    PerMille margin = 125;       // share of its cost that a new home must save
    Millis cool_down = 300'000;  // minimum time between two changes of one cell's home
    Bytes pace = 256 * mib;      // memory moved per second
    PerMille watermark = 50;     // share of each node's memory that is kept free
    // A difference in load below this is no reason to move a cell between two nodes. ESXi's default
    // for Numa.MigImbalanceThreshold is 10 %, too.
    PerMille imbalance = 100;
    int changes_per_hour = 6;  // changes of home within one guest

    friend bool operator==(const PlannerSettings&, const PlannerSettings&) = default;
};

// Memory away from home that is not worth an action, in bytes: pages busy with I/O come and go.
inline constexpr Bytes settled_bytes = mib;

// Memory of a node that may be in use: all but the watermark.
inline Bytes max_used_memory(const HostNode& node, const PlannerSettings& settings) {
    return node.memory_total / 1000 * (1000 - settings.watermark);
}

}  // namespace vnuma
