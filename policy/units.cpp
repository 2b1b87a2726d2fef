#include "policy/units.hpp"

#include <algorithm>

#include "policy/links.hpp"

namespace vnuma {
namespace {

bool cools_down(const CellHistory& cell, Millis now, const PlannerSettings& settings) {
    return now - cell.home_since < settings.cool_down << cell.failures;
}

class Chooser {
  public:
    Chooser(const Snapshot& snapshot, const History& history, const PlannerSettings& settings)
        : snapshot_(snapshot), history_(history), settings_(settings), empty_(snapshot, settings) {
        for (const GuestState& guest : snapshot.guests)
            guests_.push_back(&guest);
        std::sort(guests_.begin(), guests_.end(),
                  [](const auto* a, const auto* b) { return a->uuid < b->uuid; });
        known_ = history.cells.begin();
        chosen_.acting.reserve(guests_.size());
    }

    Units run() {
        for (const GuestState* guest : guests_)
            add_guest(*guest);
        part_groups();
        join_groups();
        link_cells(chosen_.acting, chosen_.shards);
        link_cells(chosen_.watched, chosen_.shards);
        link_broken_groups();
        return std::move(chosen_);
    }

  private:
    // Calls come in the order of keys.
    const CellHistory* find(const CellKey& key) {
        while (known_ != history_.cells.end() && known_->first < key)
            ++known_;
        return known_ != history_.cells.end() && known_->first == key ? &known_->second : nullptr;
    }

    std::optional<std::size_t> group_of(const GuestState& guest, Arrangement arrangement) const {
        if (guest.policy.group.empty()) return std::nullopt;
        for (std::size_t g = 0; g < snapshot_.groups.size(); ++g)
            if (snapshot_.groups[g].name == guest.policy.group &&
                snapshot_.groups[g].arrangement == arrangement)
                return g;
        return std::nullopt;
    }

    void add_guest(const GuestState& guest) {
        cools_down_ = any_cools_down(guest);
        const auto by_number = [](const CellState& a, const CellState& b) {
            return a.key.cell < b.key.cell;
        };
        if (std::is_sorted(guest.cells.begin(), guest.cells.end(), by_number)) {
            for (const CellState& cell : guest.cells)
                add_cell(guest, cell);
            return;
        }
        std::vector<const CellState*> cells;
        for (const CellState& cell : guest.cells)
            cells.push_back(&cell);
        std::sort(cells.begin(), cells.end(),
                  [&](const auto* a, const auto* b) { return by_number(*a, *b); });
        for (const CellState* cell : cells)
            add_cell(guest, *cell);
    }

    // One home at a time of one guest.
    bool any_cools_down(const GuestState& guest) const {
        auto known = history_.cells.lower_bound({guest.uuid, 0, CellKey::whole});
        for (; known != history_.cells.end() && known->first.uuid == guest.uuid; ++known)
            if (cools_down(known->second, snapshot_.now, settings_)) return true;
        return false;
    }

    // It was placed in shards, and who touches what has to be found out anew.
    bool has_to_be_seen_anew(const GuestState& guest) const {
        return history_.shards.contains(guest.uuid) && (!guest.wide || !guest.wide->known());
    }

    void add_cell(const GuestState& guest, const CellState& cell) {
        const NodeSet fits =
            empty_.that_hold(cell.vcpus, full_bytes(cell), cell.huge_page) & cell.allowed;
        std::optional<Reason> refusal;
        if (snapshot_.topology.nodes.size() < 2)
            refusal = Reason::one_node;
        else if (guest.policy.mode == Mode::off)
            refusal = Reason::off;
        else if (!guest.unsteady.empty())
            refusal = Reason::unsteady;
        else if (cell.allowed.empty())
            refusal = Reason::not_allowed;
        if (!refusal && fits.empty() && add_shards(guest, cell)) return;
        if (!refusal && fits.empty())
            refusal = has_to_be_seen_anew(guest) ? Reason::unsteady : Reason::too_large;
        if (!refusal) {
            add_unit(guest, cell, fits);
            return;
        }
        hold(guest, cell, *refusal == Reason::unsteady);
        Verdict verdict{cell.key, *refusal};
        verdict.acts = guest.policy.mode == Mode::act;
        if (*refusal == Reason::unsteady)
            verdict.detail = guest.unsteady.empty()
                                 ? "which vCPU touches what has to be found out anew"
                                 : guest.unsteady;
        if (*refusal == Reason::too_large && guest.cells.size() == 1 && cell.vcpus > 1)
            verdict.detail = "which vCPU touches what is not known yet";
        chosen_.refusals.push_back({&cell, std::move(verdict)});
    }

    void add_unit(const GuestState& guest, const CellState& cell, NodeSet fits) {
        Unit unit;
        const CellHistory* known = find(cell.key);
        unit.parts.push_back({&guest, &cell, known});
        unit.fits = fits;
        unit.apart_group = group_of(guest, Arrangement::apart);
        if (known) {
            unit.former = known->home;
            unit.fixed = cools_down_;
            if (fits.contains(known->home))
                unit.home = unit.former;
            else
                unit.displaced = cell.allowed.contains(known->home)
                                     ? "does not hold it any more"
                                     : "may not be its home any more";
        }
        if (guest.policy.mode != Mode::act) hold(guest, cell, false);
        (guest.policy.mode == Mode::act ? chosen_.acting : chosen_.watched)
            .push_back(std::move(unit));
    }

    bool add_shards(const GuestState& guest, const CellState& cell) {
        const auto before = history_.shards.find(guest.uuid);
        std::optional<Cut> made =
            cut_into_shards(guest, cell, snapshot_, empty_,
                            before != history_.shards.end() ? &before->second : nullptr);
        if (!made) return false;
        const WideUse& use = *guest.wide;
        for (std::size_t s = 0; s < made->cells.size(); ++s)
            add_unit(guest, chosen_.shard_cells.emplace_back(std::move(made->cells[s])),
                     made->fits[s]);
        const Partition& shards = (chosen_.shards[guest.uuid] = std::move(made->shards)).partition;
        Verdict verdict{cell.key, Reason::split};
        verdict.acts = guest.policy.mode == Mode::act;
        verdict.detail = std::to_string(shards.size()) + " of " + std::to_string(use.vcpus()) +
                         " vCPUs, " + std::to_string(crossing(use, shards) / 10) +
                         " % of what they touch is another's";
        chosen_.refusals.push_back({&cell, std::move(verdict)});
        return true;
    }

    // Of a member of a group that is left alone, where it is; or its homes, and those of its
    // shards.
    void hold(const GuestState& guest, const CellState& cell, bool has_homes) {
        if (guest.policy.group.empty()) return;
        std::vector<NodeIndex> nodes;
        auto known = history_.cells.lower_bound(cell.key);
        for (; has_homes && known != history_.cells.end(); ++known) {
            const CellKey& key = known->first;
            if (key.uuid != cell.key.uuid || key.cell != cell.key.cell) break;
            nodes.push_back(known->second.home);
        }
        if (nodes.empty() && cell.confined_to) nodes.push_back(*cell.confined_to);
        if (const auto group = group_of(guest, Arrangement::apart))
            for (const NodeIndex node : nodes)
                chosen_.held_apart.push_back({*group, node, &guest});
        if (const auto group = group_of(guest, Arrangement::together))
            if (guest.cells.size() == 1 && nodes.size() == 1)
                held_together_.try_emplace(*group, nodes.front());
    }

    // Members that have to be apart and are not: the largest keeps its home.
    void part_groups() {
        std::map<std::pair<std::size_t, NodeIndex>, const GuestState*> keepers;
        std::vector<Unit*> members;
        for (Unit& unit : chosen_.acting)
            if (unit.apart_group && unit.home) members.push_back(&unit);
        const auto bytes = [](const Unit* unit) { return full_bytes(*unit->parts.front().cell); };
        std::stable_sort(members.begin(), members.end(),
                         [&](const Unit* a, const Unit* b) { return bytes(a) > bytes(b); });
        for (Unit* unit : members) {
            const GuestState* guest = unit->parts.front().guest;
            const auto in_the_way = [&](const HeldApart& held) {
                return held.group == *unit->apart_group && held.node == *unit->home &&
                       held.guest != guest;
            };
            const bool held =
                std::any_of(chosen_.held_apart.begin(), chosen_.held_apart.end(), in_the_way);
            const auto keeper = keepers.try_emplace({*unit->apart_group, *unit->home}, guest).first;
            if (!held && keeper->second == guest) continue;
            unit->home.reset();
            unit->displaced = "has a member of its group, which has to be apart";
        }
    }

    // The cells of a group that has one home become one unit, where one node holds them all; that
    // of a member that is left alone, if it may be.
    void join_groups() {
        std::map<std::size_t, std::vector<std::size_t>> members;
        for (std::size_t i = 0; i < chosen_.acting.size(); ++i) {
            const GuestState& guest = *chosen_.acting[i].parts.front().guest;
            const auto group = group_of(guest, Arrangement::together);
            if (group && guest.cells.size() == 1 &&
                chosen_.acting[i].parts.front().cell->key.shard == CellKey::whole)
                members[*group].push_back(i);
        }
        std::vector<bool> joined(chosen_.acting.size());
        for (const auto& [group, units] : members)
            if (units.size() > 1 || held_together_.contains(group)) join(group, units, joined);
        std::size_t kept = 0;
        for (std::size_t i = 0; i < chosen_.acting.size(); ++i)
            if (!joined[i]) std::swap(chosen_.acting[kept++], chosen_.acting[i]);
        chosen_.acting.resize(kept);
    }

    void join(std::size_t group, const std::vector<std::size_t>& members,
              std::vector<bool>& joined) {
        Unit& first = chosen_.acting[members.front()];
        NodeSet fits = first.fits;
        std::map<NodeIndex, Bytes> homes;
        bool fixed = false, all_have_one = true;
        for (const std::size_t i : members) {
            const Unit& unit = chosen_.acting[i];
            fits = fits & unit.fits;
            if (unit.home) homes[*unit.home] += full_bytes(*unit.parts.front().cell) + 1;
            all_have_one = all_have_one && unit.home;
            fixed = fixed || unit.fixed;
        }
        const bool joined_before = all_have_one && homes.size() == 1;
        if (!joined_before) fits = fits & nodes_with_room(members);
        if (fits.empty()) {
            link_all(members);
            return;
        }
        const auto held = held_together_.find(group);
        if (held != held_together_.end() && fits.contains(held->second))
            fits = NodeSet::only(held->second);
        for (const std::size_t i : members)
            if (i != members.front()) {
                first.parts.push_back(chosen_.acting[i].parts.front());
                joined[i] = true;
            }
        first.fits = fits;
        first.home.reset();
        // Where most of it is at home already; who is elsewhere comes there.
        Bytes most = 0;
        for (const auto& [home, at_home] : homes)
            if (at_home > most && fits.contains(home)) first.home = home, most = at_home;
        first.former = first.home;
        first.fixed = fixed && first.home && homes.size() == 1;
    }

    // To others than these who have their home there, beyond what of theirs is there.
    Bytes promised(NodeIndex node, const std::vector<std::size_t>& members) const {
        Bytes bytes = 0;
        for (std::size_t i = 0; i < chosen_.acting.size(); ++i) {
            const Unit& unit = chosen_.acting[i];
            const CellState& cell = *unit.parts.front().cell;
            if (unit.home == node && cell.huge_page == 0 && cell.movable &&
                std::find(members.begin(), members.end(), i) == members.end())
                bytes += full_bytes(cell) - cell.residency[node];
        }
        return bytes;
    }

    // For all of them, with what they have there already.
    NodeSet nodes_with_room(const std::vector<std::size_t>& members) const {
        NodeSet nodes;
        for (std::size_t n = 0; n < snapshot_.topology.nodes.size(); ++n) {
            const HostNode& node = snapshot_.topology.nodes[n];
            Bytes use = node.memory_total - node.memory_available + promised(NodeIndex(n), members);
            std::map<Bytes, Bytes> of_pools = node.huge_available;
            for (const std::size_t i : members) {
                const CellState& cell = *chosen_.acting[i].parts.front().cell;
                const Bytes more = full_bytes(cell) - cell.residency[n];
                (cell.huge_page == 0 ? use : of_pools[cell.huge_page]) +=
                    cell.huge_page == 0 ? more : -more;
            }
            const bool pools_do = std::all_of(of_pools.begin(), of_pools.end(),
                                              [](const auto& pool) { return pool.second >= 0; });
            if (pools_do && use <= filled_at_most(node, settings_)) nodes.insert(NodeIndex(n));
        }
        return nodes;
    }

    // As if they shared half of what the lesser one does.
    void link_all(const std::vector<std::size_t>& members) {
        if (members.size() > max_linked_units) return;
        for (const std::size_t a : members)
            for (const std::size_t b : members)
                if (a != b)
                    broken_.push_back({chosen_.acting[a].parts.front().cell,
                                       chosen_.acting[b].parts.front().cell});
    }

    void link_broken_groups() {
        if (broken_.empty()) return;
        std::map<const CellState*, std::size_t> of_cell;
        for (std::size_t i = 0; i < chosen_.acting.size(); ++i)
            of_cell[chosen_.acting[i].parts.front().cell] = i;
        for (const auto& [a, b] : broken_)
            chosen_.acting[of_cell.at(a)].links.push_back(
                {of_cell.at(b), std::min(a->cpu_use, b->cpu_use) / 2, 0});
    }

    const Snapshot& snapshot_;
    const History& history_;
    const PlannerSettings& settings_;
    const EmptyNodes empty_;
    std::vector<const GuestState*> guests_;
    std::map<CellKey, CellHistory>::const_iterator known_;
    bool cools_down_ = false;  // the guest that is being added
    // By group that has one home: that of a member that is left alone.
    std::map<std::size_t, NodeIndex> held_together_;
    std::vector<std::pair<const CellState*, const CellState*>> broken_;  // of groups
    Units chosen_;
};

}  // namespace

Units choose_units(const Snapshot& snapshot, const History& history,
                   const PlannerSettings& settings) {
    return Chooser(snapshot, history, settings).run();
}

}  // namespace vnuma
