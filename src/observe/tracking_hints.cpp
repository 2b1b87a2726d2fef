#include "src/observe/tracking_hints.hpp"

#include <algorithm>
#include <set>

#include "policy/units/split.hpp"

namespace vnuma {

namespace {

// Of a cell that is at home: less than this part of its memory on other nodes changes no plan.
constexpr Bytes remote_divisor = 100;
// A node is quiet up to this part of its capacity, in thousandths. On a busier one the planner may
// want to move a guest away, and then has to know what it accesses.
constexpr MilliCpu quiet_per_mille = 750;

bool is_quiet(const Snapshot& snapshot, NodeIndex node) {
    const HostNode& host_node = snapshot.topology.nodes[node];
    MilliCpu use = host_node.other_use;
    for (const GuestState& guest : snapshot.guests)
        for (const CellState& cell : guest.cells)
            if (cell.confined_to == node) use += cell.cpu_use;
    return use * 1000 <= host_node.cpu_capacity * quiet_per_mille;
}

bool is_all_at_home(const CellState& cell, const Verdict& verdict) {
    if (verdict.reason != Reason::settled || !verdict.home) return false;
    const NodeIndex home = verdict.home->memory_node();
    const Bytes all = total_bytes(cell);
    return all - cell.residency[home] <= all / remote_divisor;
}

// UUIDs of guests whose heat can change no plan: all of their memory is at home, on nodes that are
// not busy.
std::set<std::string> find_guests_that_cannot_do_better(const Snapshot& snapshot,
                                                        const Plan& plan) {
    std::set<NodeIndex> quiet_nodes;
    for (std::size_t n = 0; n < snapshot.topology.nodes.size(); ++n)
        if (is_quiet(snapshot, NodeIndex(n))) quiet_nodes.insert(NodeIndex(n));
    std::set<std::string> guests;
    for (const GuestState& guest : snapshot.guests) {
        const bool can_not =
            std::all_of(guest.cells.begin(), guest.cells.end(), [&](const CellState& cell) {
                const auto verdict = std::lower_bound(
                    plan.verdicts.begin(), plan.verdicts.end(), cell.key,
                    [](const Verdict& one, const CellKey& key) { return one.key < key; });
                return verdict != plan.verdicts.end() && verdict->key == cell.key &&
                       is_all_at_home(cell, *verdict) && quiet_nodes.contains(verdict->home->node);
            });
        if (can_not) guests.insert(guest.uuid);
    }
    return guests;
}

}  // namespace

TrackingHints derive_hints(const TrackingHints& before, const Snapshot& snapshot, const Plan& plan,
                           const std::vector<ActionResult>& results) {
    TrackingHints hints;
    for (const GuestState& guest : snapshot.guests) {
        TrackingHint& hint = hints[guest.uuid];
        hint.wanted = guest.policy.mode >= Mode::advise && snapshot.topology.nodes.size() > 1;
        hint.may_disturb = guest.policy.mode == Mode::act && guest.unsteady.empty();
        hint.well_placed = !guest.cells.empty();
    }
    for (const Verdict& verdict : plan.verdicts) {
        TrackingHint& hint = hints[verdict.key.uuid];
        hint.well_placed &= verdict.reason == Reason::settled || verdict.reason == Reason::split;
        // A guest that spans nodes is placed in shards, which are made from the access matrix.
        hint.attribute |= verdict.reason == Reason::too_large || verdict.reason == Reason::split ||
                          verdict.reason == Reason::unsteady;
    }
    for (const GuestState& guest : snapshot.guests) {
        TrackingHint& hint = hints[guest.uuid];
        const auto known = before.find(guest.uuid);
        // A guest that is left alone for a moment keeps its accessors. One that is busier than any
        // node is placed in shards, too.
        if (!guest.unsteady.empty())
            hint.attribute = known != before.end() && known->second.attribute;
        else if (guest.cells.size() == 1)
            hint.attribute |= is_busier_than_nodes(snapshot.topology, guest.cells.front(),
                                                   guest.cells.front().allowed);
        // With one vCPU, or one node, all accesses are local wherever they come from.
        if (guest.cells.size() != 1 || guest.cells.front().vcpus < 2 ||
            guest.policy.mode != Mode::act ||
            nodes_for_shards(snapshot.topology, guest.cells.front().allowed).size() < 2)
            hint.attribute = false;
    }
    for (const std::string& uuid : find_guests_that_cannot_do_better(snapshot, plan))
        hints[uuid].wanted = false;
    for (const ActionResult& result : results) {
        TrackingHint& hint = hints[key_of(result.action).uuid];
        hint.moved |= std::holds_alternative<MoveMemory>(result.action) && result.bytes > 0;
        hint.changed |= std::holds_alternative<PinCell>(result.action) && result.error.empty();
    }
    return hints;
}

std::set<std::string> find_quiet_guests(const Snapshot& snapshot, const Plan& plan) {
    std::set<std::string> quiet;
    for (const GuestState& guest : snapshot.guests)
        if (guest.unsteady.empty()) quiet.insert(guest.uuid);
    for (const Verdict& verdict : plan.verdicts) {
        const bool is_left = verdict.reason == Reason::settled || verdict.reason == Reason::split ||
                             verdict.reason == Reason::roams || verdict.reason == Reason::off ||
                             verdict.reason == Reason::one_node;
        if (!is_left) quiet.erase(verdict.key.uuid);
    }
    for (const std::vector<Action>* some : {&plan.actions, &plan.advised})
        for (const Action& action : *some)
            quiet.erase(key_of(action).uuid);
    return quiet;
}

void withdraw_hints(TrackingHints& hints, const GuestPolicies& policies) {
    for (const auto& [uuid, policy] : policies)
        if (const auto hint = hints.find(uuid); hint != hints.end()) {
            hint->second.wanted &= policy.mode >= Mode::advise;
            hint->second.may_disturb &= policy.mode == Mode::act;
        }
}

}  // namespace vnuma
