#include "policy/units/guest_groups.hpp"

#include <algorithm>

#include "policy/model/history.hpp"

namespace vnuma {
namespace {

class Joiner {
  public:
    Joiner(std::vector<Unit>& units, const Snapshot& snapshot, const PlannerSettings& settings,
           const LeftAlone& left_alone)
        : units_(units), snapshot_(snapshot), settings_(settings), left_alone_(left_alone) {}

    DrawnTogether run() {
        std::map<std::size_t, std::vector<std::size_t>> members;
        for (std::size_t i = 0; i < units_.size(); ++i) {
            const GuestState& guest = *units_[i].parts.front().guest;
            const auto group = group_of(guest, snapshot_, Arrangement::together);
            if (group && guest.cells.size() == 1 &&
                units_[i].parts.front().cell->key.shard == CellKey::whole)
                members[*group].push_back(i);
        }
        std::vector<bool> joined(units_.size());
        for (const auto& [group, units] : members)
            if (units.size() > 1 || left_alone_.together.contains(group))
                join(group, units, joined);
        std::size_t kept = 0;
        for (std::size_t i = 0; i < units_.size(); ++i)
            if (!joined[i]) std::swap(units_[kept++], units_[i]);
        units_.resize(kept);
        return std::move(drawn_);
    }

  private:
    void join(std::size_t group, const std::vector<std::size_t>& members,
              std::vector<bool>& joined) {
        Unit& first = units_[members.front()];
        NodeSet fits = first.fits;
        std::map<NodeIndex, Bytes> homes;
        bool fixed = false, all_have_one = true;
        Millis cooling = 0;
        for (const std::size_t i : members) {
            const Unit& unit = units_[i];
            fits = fits & unit.fits;
            if (unit.initial_home)
                homes[*unit.initial_home] += full_bytes(*unit.parts.front().cell) + 1;
            all_have_one = all_have_one && unit.initial_home;
            fixed = fixed || unit.fixed;
            cooling = std::max(cooling, unit.cooling);
        }
        const bool joined_before = all_have_one && homes.size() == 1;
        const NodeSet room = nodes_with_room(members);
        const bool may_be_somewhere = !fits.empty();
        if (!joined_before) fits = fits & room;
        if (fits.empty()) {
            for (const std::size_t i : members)
                units_[i].group_parted = may_be_somewhere;
            draw_together(members);
            return;
        }
        const auto held = left_alone_.together.find(group);
        if (held != left_alone_.together.end() && fits.contains(held->second) &&
            (room.contains(held->second) || (joined_before && homes.contains(held->second))))
            fits = NodeSet::only(held->second);
        for (const std::size_t i : members)
            if (i != members.front()) {
                first.parts.push_back(units_[i].parts.front());
                joined[i] = true;
            }
        first.fits = fits;
        first.initial_home.reset();
        // Where most of it is at home already; who is elsewhere comes there.
        Bytes most = 0;
        for (const auto& [home, at_home] : homes)
            if (at_home > most && fits.contains(home)) first.initial_home = home, most = at_home;
        first.former = first.initial_home;
        first.fixed = fixed && first.initial_home && homes.size() == 1;
        first.cooling = cooling;
    }

    // Once it is at home there and has touched all of its memory.
    static Bytes comes_to(const CellState& cell, NodeIndex node) {
        return full_bytes(cell) - (cell.movable ? cell.residency[node] : total_bytes(cell));
    }

    // To others than these who have their home there, beyond what of theirs is there.
    Bytes promised(NodeIndex node, const std::vector<std::size_t>& members) const {
        Bytes bytes = 0;
        for (std::size_t i = 0; i < units_.size(); ++i) {
            const Unit& unit = units_[i];
            const CellState& cell = *unit.parts.front().cell;
            if (unit.initial_home == node && cell.huge_page == 0 &&
                std::find(members.begin(), members.end(), i) == members.end())
                bytes += comes_to(cell, node);
        }
        return bytes;
    }

    // For all of them, with what they have there already.
    NodeSet nodes_with_room(const std::vector<std::size_t>& members) const {
        NodeSet nodes;
        for (std::size_t n = 0; n < snapshot_.topology.nodes.size(); ++n) {
            const HostNode& node = snapshot_.topology.nodes[n];
            Bytes use = node.memory_total - node.memory_available + left_alone_.growth[n] +
                        promised(NodeIndex(n), members);
            std::map<Bytes, Bytes> of_pools = node.huge_available;
            for (const std::size_t i : members) {
                const CellState& cell = *units_[i].parts.front().cell;
                const Bytes more = comes_to(cell, NodeIndex(n));
                (cell.huge_page == 0 ? use : of_pools[cell.huge_page]) +=
                    cell.huge_page == 0 ? more : -more;
            }
            const bool pools_do = std::all_of(of_pools.begin(), of_pools.end(),
                                              [](const auto& pool) { return pool.second >= 0; });
            if (pools_do && use <= filled_at_most(node, settings_)) nodes.insert(NodeIndex(n));
        }
        return nodes;
    }

    void draw_together(const std::vector<std::size_t>& members) {
        if (members.size() > max_coupled_units) return;
        for (const std::size_t a : members)
            for (const std::size_t b : members)
                if (a != b)
                    drawn_.push_back({units_[a].parts.front().cell, units_[b].parts.front().cell});
    }

    std::vector<Unit>& units_;
    const Snapshot& snapshot_;
    const PlannerSettings& settings_;
    const LeftAlone& left_alone_;
    DrawnTogether drawn_;
};

}  // namespace

std::optional<std::size_t> group_of(const GuestState& guest, const Snapshot& snapshot,
                                    Arrangement arrangement) {
    if (guest.policy.group.empty()) return std::nullopt;
    for (std::size_t g = 0; g < snapshot.groups.size(); ++g)
        if (snapshot.groups[g].name == guest.policy.group &&
            snapshot.groups[g].arrangement == arrangement)
            return g;
    return std::nullopt;
}

void part_groups(std::vector<Unit>& units, const std::vector<HeldApart>& held_apart) {
    std::map<std::pair<std::size_t, NodeIndex>, const GuestState*> keepers;
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
        const auto in_the_way = [&](const HeldApart& held) {
            return held.group == *unit->apart_group && held.node == *unit->initial_home &&
                   held.guest != guest;
        };
        const auto held = std::find_if(held_apart.begin(), held_apart.end(), in_the_way);
        const auto keeper =
            keepers.try_emplace({*unit->apart_group, *unit->initial_home}, guest).first;
        const GuestState* other = held != held_apart.end() ? held->guest : keeper->second;
        if (other == guest) continue;
        unit->initial_home.reset();
        unit->displaced = "has " + other->name + ", which its group keeps apart from it";
    }
}

DrawnTogether join_groups(std::vector<Unit>& units, const Snapshot& snapshot,
                          const PlannerSettings& settings, const LeftAlone& left_alone) {
    return Joiner(units, snapshot, settings, left_alone).run();
}

void couple_groups(std::vector<Unit>& units, const DrawnTogether& cells) {
    if (cells.empty()) return;
    std::map<const CellState*, std::size_t> of_cell;
    for (std::size_t i = 0; i < units.size(); ++i)
        of_cell[units[i].parts.front().cell] = i;
    for (const auto& [a, b] : cells)
        units[of_cell.at(a)].couplings.push_back(
            {of_cell.at(b), std::min(a->cpu_use, b->cpu_use) / 2, 0});
}

}  // namespace vnuma
