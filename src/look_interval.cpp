#include "src/look_interval.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace vnuma {
namespace {

// What the planner decided, without figures that differ a little in each tick.
bool decide_the_same(const std::vector<Verdict>& a, const std::vector<Verdict>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Verdict& x, const Verdict& y) {
                          return x.key == y.key && x.reason == y.reason && x.acts == y.acts &&
                                 x.home_node() == y.home_node();
                      });
}

std::map<std::string, std::string> unsteady_guests(const Tick& tick) {
    std::map<std::string, std::string> guests;
    for (const GuestState& guest : tick.snapshot.guests)
        guests.emplace(guest.uuid, guest.unsteady);
    return guests;
}

// What its guests use where they are, and others.
std::vector<MilliCpu> node_loads(const Snapshot& snapshot) {
    std::vector<MilliCpu> loads;
    for (const HostNode& node : snapshot.topology.nodes)
        loads.push_back(node.other_use);
    for (const GuestState& guest : snapshot.guests)
        for (const CellState& cell : guest.cells)
            if (cell.confined_to) loads[*cell.confined_to] += cell.cpu_use;
    return loads;
}

std::map<std::string, MilliCpu> guest_loads(const Snapshot& snapshot) {
    std::map<std::string, MilliCpu> loads;
    for (const GuestState& guest : snapshot.guests)
        for (const CellState& cell : guest.cells)
            loads[guest.uuid] += cell.cpu_use;
    return loads;
}

// Until the first verdict that waits for a time may become another one; 0 if none waits.
Millis shortest_wait(const Plan& plan) {
    Millis shortest = 0;
    for (const Verdict& verdict : plan.verdicts)
        if (verdict.wait > 0 && (shortest == 0 || verdict.wait < shortest)) shortest = verdict.wait;
    return shortest;
}

// Whether a scan, a round or a measurement is under way, which the next look ends.
bool is_tracking(const Tick& tick) {
    return std::any_of(tick.sample().guests.begin(), tick.sample().guests.end(),
                       [](const GuestSample& guest) { return guest.tracking.under_way; });
}

}  // namespace

bool LookInterval::loads_changed(const Tick& tick) {
    const auto nodes = node_loads(tick.snapshot);
    const auto guests = guest_loads(tick.snapshot);
    bool changed = nodes.size() != node_load_.size() || guests.size() != guest_load_.size();
    for (std::size_t n = 0; !changed && n < nodes.size(); ++n)
        changed = std::abs(nodes[n] - node_load_[n]) * load_change_divisor >
                  tick.snapshot.topology.nodes[n].cpu_capacity;
    for (const auto& [uuid, load] : guests) {
        const auto before = guest_load_.find(uuid);
        if (before == guest_load_.end()) changed = true;
        if (changed) break;
        changed = std::abs(load - before->second) >
                  std::max(least_load_change, before->second / load_change_divisor);
    }
    if (changed) node_load_ = nodes, guest_load_ = guests;
    return changed;
}

bool LookInterval::has_changed(const Tick& tick) {
    auto unsteady = unsteady_guests(tick);
    bool changed = !tick.plan.actions.empty() || !tick.results.empty() || !tick.orders.empty() ||
                   !tick.list_problem.empty() || unsteady != unsteady_ ||
                   !decide_the_same(tick.plan.verdicts, verdicts_);
    changed |= loads_changed(tick);
    unsteady_ = std::move(unsteady);
    verdicts_ = tick.plan.verdicts;
    return changed;
}

bool LookInterval::has_new_guest(const Tick& tick) const {
    return std::any_of(tick.snapshot.guests.begin(), tick.snapshot.guests.end(),
                       [&](const GuestState& guest) { return !unsteady_.contains(guest.uuid); });
}

LookInterval::milliseconds LookInterval::after(const Tick& tick) {
    const bool is_first_look = has_new_guest(tick);
    if (!tick.blind.empty() || has_changed(tick))
        length_ = shortest_;
    else
        length_ = std::min(length_ * 2, longest_);
    if (is_first_look) return std::min(shortest_, first_look_gap);
    if (!tick.look || is_tracking(tick)) return shortest_;
    const Millis wait = shortest_wait(tick.plan);
    return wait == 0 ? length_ : std::clamp(milliseconds(wait), shortest_, length_);
}

}  // namespace vnuma
