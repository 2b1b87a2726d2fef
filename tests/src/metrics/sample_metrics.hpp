// The metrics of a host with two nodes and one guest. In the kernel's numbers the nodes are 0
// and 4.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "src/metrics/metrics.hpp"
#include "tests/src/hosts.hpp"

namespace vnuma::test {

inline Tick tick_for_metrics() {
    Tick tick;
    tick.host = two_nodes();
    GuestSample guest;
    guest.uuid = "u1";
    guest.name = "web";
    CellSample cell;
    cell.vcpus = {{{100, 1, 2, 0, 0, {2, 3}}, 0}, {{101, 1, 0, 0, 0, {0}}, 1}};
    guest.cells.push_back(std::move(cell));
    auto look = std::make_shared<Look>();
    look->sample.guests.push_back(std::move(guest));
    tick.look = std::move(look);
    tick.snapshot.topology = tick.host.topology;
    GuestState state;
    state.uuid = "u1";
    state.name = "web";
    tick.snapshot.guests.push_back(std::move(state));
    const CellKey key{"u1", 0};
    Verdict verdict;
    verdict.key = key;
    verdict.home = Home{NodeIndex(1), 20};
    tick.plan.verdicts.push_back(std::move(verdict));
    tick.results.push_back({MoveMemory{key, NodeIndex(1), 300 * mib}, 5 * mib, ""});
    tick.results.push_back({PinCell{key, NodeIndex(1)}, 0, "refused"});
    return tick;
}

inline control::GuestSummary summary_for_metrics() {
    control::GuestSummary guest;
    guest.name = "web";
    guest.uuid = "u1";
    guest.source = "libvirt";
    guest.state = "running";
    guest.doing = control::Doing::moving;
    guest.cpu_use = 1500;
    guest.locality = 750;
    guest.to_move = 295 * mib;
    control::CellSummary cell;
    cell.home = 4;
    cell.locality = 750;
    cell.memory = {{0, 295 * mib}, {4, 105 * mib}};
    guest.cells.push_back(std::move(cell));
    return guest;
}

inline control::Status status_for_metrics() {
    control::Status status;
    status.version = "0.1.0";
    status.time_ms = 1'700'000'000'500;
    status.guests.all = status.guests.moving = 1;
    status.rivals.push_back({"numad", "numad runs as process 7", "yield", "guests are left alone"});
    for (const int node : {0, 4}) {
        control::NodeStatus one;
        one.node = node;
        one.capacity = 2000;
        one.guest_use = 1500;
        one.memory = 1024 * mib;
        one.available = 512 * mib;
        one.huge.push_back({2 * mib, 64 * mib});
        status.nodes.push_back(std::move(one));
    }
    return status;
}

inline std::vector<prometheus::MetricFamily> sample_metrics() {
    const Tick tick = tick_for_metrics();
    Totals totals;
    totals.update(tick);
    return make_metrics(tick, status_for_metrics(), {summary_for_metrics()}, totals,
                        std::chrono::milliseconds(1250));
}

}  // namespace vnuma::test
