#include "src/control/orders/judge_move.hpp"

#include <algorithm>
#include <optional>

#include "policy/model/number_list.hpp"
#include "policy/planner.hpp"
#include "policy/verdict/explain.hpp"

namespace vnuma::control {
namespace {

std::optional<NodeIndex> index_of(const Topology& topology, int id) {
    for (std::size_t n = 0; n < topology.nodes.size(); ++n)
        if (topology.nodes[n].id == id) return NodeIndex(n);
    return std::nullopt;
}

std::string node(int id) {
    return "node " + std::to_string(id);
}

std::string nodes_of(const std::vector<int>& ids) {
    const bool same =
        std::all_of(ids.begin(), ids.end(), [&](int id) { return id == ids.front(); });
    return same ? node(ids.front()) : "nodes " + format_number_list(ids);
}

// In the order of the guest's cells.
std::vector<int> in_order(const GuestState& guest, const HomeOfCell& homes) {
    std::vector<int> ids;
    for (const CellState& cell : guest.cells)
        ids.push_back(homes.at(cell.key.cell));
    return ids;
}

// Why the guest's policy, or what it is doing, forbids any move or this one; empty if neither does.
std::string why_forbidden(const GuestState& guest, const std::vector<int>& homes) {
    const GuestPolicy& policy = guest.policy;
    if (policy.mode != Mode::act)
        return std::string("its policy has mode ") + name(policy.mode) +
               ", so that vnumad does not act on it";
    if (!guest.unsteady.empty()) return "nothing may be done to it now: " + guest.unsteady;
    std::vector<int> nodes = sorted_unique(homes);
    if (policy.nodes && !remove_others(nodes, *policy.nodes).empty())
        return "its policy allows " + nodes_of(*policy.nodes) + " only";
    if (!policy.home.empty()) return "its policy fixes its home on " + nodes_of(policy.home);
    return "";
}

// Why a cell can have no home there, whatever the load; empty if it can.
std::string why_no_home(const Topology& topology, const CellState& cell, int id) {
    const auto index = index_of(topology, id);
    if (!index) return node(id) + " does not exist on this host";
    if (topology.nodes[*index].cpus == 0 && cell.vcpus > 0) return node(id) + " has no CPUs";
    if (!cell.allowed.contains(*index))
        return "its owner allows cell " + std::to_string(cell.key.cell) + " no home on " +
               node(id) + " (affinity, cpuset, or binding of memory)";
    return "";
}

Snapshot with_homes(const Snapshot& snapshot, std::size_t index, const std::vector<int>& homes) {
    Snapshot fixed = snapshot;
    GuestState& guest = fixed.guests[index];
    guest.policy.home = homes;
    for (std::size_t c = 0; c < guest.cells.size(); ++c)
        guest.cells[c].allowed =
            guest.cells[c].allowed & NodeSet::only(*index_of(snapshot.topology, homes[c]));
    return fixed;
}

// What a plan says of a guest.
struct Outcome {
    Cost cost = 0;
    Bytes to_move = 0;
    std::vector<int> nodes;             // of each cell or shard; none where it has no home
    const Verdict* homeless = nullptr;  // the first without a home, apart from those that roam
    bool roams = false;
};

Outcome outcome_of(const Plan& plan, const GuestState& guest, const Topology& topology,
                   bool before) {
    Outcome outcome;
    for (const Verdict& verdict : plan.verdicts) {
        if (verdict.key.uuid != guest.uuid || verdict.reason == Reason::split) continue;
        if (!verdict.home) {
            outcome.roams |= verdict.reason == Reason::roams;
            outcome.cost += verdict.roaming_cost.value_or(0);
            if (verdict.reason != Reason::roams && !outcome.homeless) outcome.homeless = &verdict;
            continue;
        }
        const Home& home = *verdict.home;
        const bool as_former = before && home.former;
        if (before && verdict.roaming_cost) {  // it roams until this plan
            outcome.roams = true;
            outcome.cost += *verdict.roaming_cost;
            continue;
        }
        outcome.cost += as_former ? home.former->cost : home.cost;
        outcome.nodes.push_back(topology.nodes[as_former ? home.former->node : home.node].id);
        outcome.to_move += home.to_move;
    }
    return outcome;
}

std::string milliseconds(Cost cost) {
    return std::to_string(cost) + " ms";
}

std::string where(const Outcome& outcome) {
    if (outcome.nodes.empty()) return "where it runs without a home";
    return "where it is (" + nodes_of(outcome.nodes) +
           (outcome.roams ? ", and without a home" : "") + ")";
}

MoveOpinion impossible(std::string text) {
    return {false, false, std::move(text)};
}

}  // namespace

std::variant<HomeOfCell, Refused> homes_of_cells(const GuestState& guest,
                                                 const std::vector<int>& nodes) {
    HomeOfCell homes;
    const std::size_t cells = guest.cells.size();
    const std::size_t numbers =
        cells == 0 ? 0 : static_cast<std::size_t>(guest.cells.back().key.cell) + 1;
    if (nodes.size() != 1 && nodes.size() != cells && nodes.size() != numbers)
        return Refused{invalid_argument, "guest " + guest.name + " has " + std::to_string(cells) +
                                             (cells == 1 ? " cell" : " cells") +
                                             ": give one node for all, or one for each"};
    for (std::size_t c = 0; c < cells; ++c) {
        const int number = guest.cells[c].key.cell;
        const std::size_t position = nodes.size() == cells ? c : static_cast<std::size_t>(number);
        homes[number] = nodes.size() == 1 ? nodes.front() : nodes.at(position);
    }
    if (homes.empty())
        return Refused{was_refused, "guest " + guest.name + " has no cells that could be moved"};
    return homes;
}

MoveOpinion judge_move(const Snapshot& snapshot, const History& history,
                       const PlannerSettings& settings, std::size_t index,
                       const HomeOfCell& homes) {
    const GuestState& guest = snapshot.guests[index];
    const Topology& topology = snapshot.topology;
    const std::vector<int> ids = in_order(guest, homes);
    const std::string there = guest.name + " cannot move to " + nodes_of(ids) + ": ";
    if (topology.nodes.size() < 2) return impossible(there + "this host has one node");
    if (const std::string why = why_forbidden(guest, ids); !why.empty())
        return impossible(there + why);
    for (std::size_t c = 0; c < ids.size(); ++c)
        if (const std::string why = why_no_home(topology, guest.cells[c], ids[c]); !why.empty())
            return impossible(there + why);

    const Plan free = plan(snapshot, history, settings);
    const Plan fixed = plan(with_homes(snapshot, index, ids), history, settings);
    const Outcome now = outcome_of(free, guest, topology, true);
    const Outcome then = outcome_of(fixed, guest, topology, false);
    if (then.homeless) return impossible(there + explain(*then.homeless, topology));
    if (now.nodes == ids && !now.roams && !now.homeless)
        return {true, false, guest.name + " is at home on " + nodes_of(ids) + " already"};
    MoveOpinion opinion{true, false, ""};
    const std::string over =
        " of CPU time within " + std::to_string(settings.horizon / 1000) + " s on " + nodes_of(ids);
    const std::string moving = std::to_string(then.to_move / mib) + " MiB have to move";
    if (now.homeless && now.nodes.empty() && !now.roams) {
        opinion.text = guest.name + " costs " + milliseconds(then.cost) + over + ", and " + moving +
                       "; it has no home now";
        return opinion;
    }
    opinion.costs_more = then.cost > now.cost;
    opinion.text = guest.name + " costs " + milliseconds(then.cost) + over + ", instead of " +
                   milliseconds(now.cost) + " " + where(now) + ", and " + moving;
    if (opinion.costs_more) opinion.text += ": it is better where it is";
    return opinion;
}

}  // namespace vnuma::control
