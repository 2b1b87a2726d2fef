#include "policy/units/guest_groups.hpp"

#include <algorithm>
#include <map>

#include "policy/model/history.hpp"

namespace vnuma {
namespace {

using Members = std::vector<std::size_t>;  // units of one group

class Joiner {
  public:
    Joiner(std::vector<Unit>& units, const Snapshot& snapshot, const PlannerSettings& settings,
           const Bystanders& bystanders)
        : units_(units), snapshot_(snapshot), settings_(settings), bystanders_(bystanders) {}

    CoupledCells run() {
        std::map<std::size_t, Members> groups;
        for (std::size_t i = 0; i < units_.size(); ++i) {
            const GuestState& guest = *units_[i].parts.front().guest;
            const auto group = group_of(guest, snapshot_, Arrangement::together);
            if (group && guest.cells.size() == 1 &&
                units_[i].parts.front().cell->key.shard == CellKey::whole)
                groups[*group].push_back(i);
        }
        joined_.assign(units_.size(), false);
        for (const auto& [group, members] : groups)
            if (members.size() > 1 || bystanders_.node_of_group(group)) join(group, members);
        std::size_t left = 0;
        for (std::size_t i = 0; i < units_.size(); ++i)
            if (!joined_[i]) std::swap(units_[left++], units_[i]);
        units_.resize(left);
        return std::move(coupled_);
    }

  private:
    void join(std::size_t group, const Members& members) {
        Unit& first = units_[members.front()];
        NodeSet fits = first.fits;
        std::map<NodeIndex, Bytes> bytes_by_home;
        bool fixed = false, all_have_home = true;
        Millis cooling = 0, changes_due = 0;
        for (const std::size_t i : members) {
            const Unit& unit = units_[i];
            fits = fits & unit.fits;
            if (unit.initial_home)
                bytes_by_home[*unit.initial_home] += full_bytes(*unit.parts.front().cell) + 1;
            all_have_home = all_have_home && unit.initial_home;
            fixed = fixed || unit.fixed;
            cooling = std::max(cooling, unit.cooling);
            changes_due = std::max(changes_due, unit.changes_due);
        }
        const bool joined_before = all_have_home && bytes_by_home.size() == 1;
        const NodeSet room = nodes_with_room(members);
        const bool fits_somewhere = !fits.empty();
        if (!joined_before) fits = fits & room;
        if (fits.empty()) {
            for (const std::size_t i : members)
                units_[i].group_parted = fits_somewhere;
            couple(members);
            return;
        }
        if (const auto node = bystanders_.node_of_group(group);
            node && fits.contains(*node) &&
            (room.contains(*node) || (joined_before && bytes_by_home.contains(*node))))
            fits = NodeSet::only(*node);
        for (const std::size_t i : members)
            if (i != members.front()) {
                first.parts.push_back(units_[i].parts.front());
                joined_[i] = true;
            }
        first.fits = fits;
        first.initial_home = home_with_most_bytes(bytes_by_home, fits);
        first.former = first.initial_home;
        first.fixed = fixed && first.initial_home && bytes_by_home.size() == 1;
        first.cooling = cooling;
        first.changes_due = changes_due;
    }

    static std::optional<NodeIndex> home_with_most_bytes(
        const std::map<NodeIndex, Bytes>& bytes_by_home, NodeSet fits) {
        std::optional<NodeIndex> best;
        Bytes best_bytes = 0;
        for (const auto& [home, bytes] : bytes_by_home)
            if (bytes > best_bytes && fits.contains(home)) best = home, best_bytes = bytes;
        return best;
    }

    // Memory that a home's memory node gets, once the cell has that home and all of its memory is
    // allocated.
    Bytes bytes_to_come(const CellState& cell, NodeIndex home) const {
        const NodeIndex node = memory_node(snapshot_.topology, home);
        return full_bytes(cell) - (cell.movable ? cell.residency[node] : total_bytes(cell));
    }

    // Ordinary memory that a node will get from units other than these with their home there or
    // near.
    Bytes bytes_to_come_of_others(NodeIndex node, const Members& members) const {
        Bytes bytes = 0;
        for (std::size_t i = 0; i < units_.size(); ++i) {
            const Unit& unit = units_[i];
            const CellState& cell = *unit.parts.front().cell;
            if (unit.initial_home && cell.huge_page == 0 &&
                memory_node(snapshot_.topology, *unit.initial_home) == node &&
                std::find(members.begin(), members.end(), i) == members.end())
                bytes += bytes_to_come(cell, node);
        }
        return bytes;
    }

    // Nodes with room for all members.
    NodeSet nodes_with_room(const Members& members) const {
        NodeSet nodes;
        for (std::size_t n = 0; n < snapshot_.topology.nodes.size(); ++n) {
            const NodeIndex memory = memory_node(snapshot_.topology, NodeIndex(n));
            const HostNode& node = snapshot_.topology.nodes[memory];
            Bytes used = node.memory_total - node.memory_available + bystanders_.growth()[memory] +
                         bytes_to_come_of_others(memory, members);
            std::map<Bytes, Bytes> free_in_pools = node.huge_available;
            for (const std::size_t i : members) {
                const CellState& cell = *units_[i].parts.front().cell;
                const Bytes more = bytes_to_come(cell, NodeIndex(n));
                if (cell.huge_page == 0)
                    used += more;
                else
                    free_in_pools[cell.huge_page] -= more;
            }
            const bool pools_suffice =
                std::all_of(free_in_pools.begin(), free_in_pools.end(),
                            [](const auto& pool) { return pool.second >= 0; });
            if (pools_suffice && used <= max_used_memory(node, settings_))
                nodes.insert(NodeIndex(n));
        }
        return nodes;
    }

    void couple(const Members& members) {
        if (members.size() > max_coupled_units) return;
        for (const std::size_t a : members)
            for (const std::size_t b : members)
                if (a != b)
                    coupled_.push_back(
                        {units_[a].parts.front().cell, units_[b].parts.front().cell});
    }

    std::vector<Unit>& units_;
    const Snapshot& snapshot_;
    const PlannerSettings& settings_;
    const Bystanders& bystanders_;
    std::vector<bool> joined_;  // by unit: whether it has become part of another
    CoupledCells coupled_;
};

}  // namespace

void separate_groups(std::vector<Unit>& units, const std::vector<HeldApart>& held_apart) {
    std::map<std::pair<std::size_t, NodeIndex>, const GuestState*> keepers;  // by group and node
    std::vector<Unit*> members;
    for (Unit& unit : units)
        if (unit.apart_group && unit.initial_home) members.push_back(&unit);
    const auto rank = [](const Unit* unit) {
        const Unit::Part& part = unit->parts.front();
        return std::pair(part.known->home_since, -full_bytes(*part.cell));
    };
    std::stable_sort(members.begin(), members.end(),
                     [&](const Unit* a, const Unit* b) { return rank(a) < rank(b); });
    for (Unit* unit : members) {
        const GuestState* guest = unit->parts.front().guest;
        const auto bystander =
            std::find_if(held_apart.begin(), held_apart.end(), [&](const HeldApart& held) {
                return held.group == *unit->apart_group && held.node == *unit->initial_home &&
                       held.guest != guest;
            });
        const auto keeper =
            keepers.try_emplace({*unit->apart_group, *unit->initial_home}, guest).first;
        const GuestState* other = bystander != held_apart.end() ? bystander->guest : keeper->second;
        if (other == guest) continue;
        unit->initial_home.reset();
        unit->displaced = "has " + other->name + ", which its group keeps apart from it";
    }
}

CoupledCells join_groups(std::vector<Unit>& units, const Snapshot& snapshot,
                         const PlannerSettings& settings, const Bystanders& bystanders) {
    return Joiner(units, snapshot, settings, bystanders).run();
}

void couple_groups(std::vector<Unit>& units, const CoupledCells& cells) {
    if (cells.empty()) return;
    std::map<const CellState*, std::size_t> unit_of_cell;
    for (std::size_t i = 0; i < units.size(); ++i)
        unit_of_cell[units[i].parts.front().cell] = i;
    for (const auto& [a, b] : cells)
        units[unit_of_cell.at(a)].couplings.push_back(
            {unit_of_cell.at(b), std::min(a->cpu_use, b->cpu_use) / 2, 0});
}

}  // namespace vnuma
