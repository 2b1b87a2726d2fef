#include "policy/units.hpp"

#include <algorithm>
#include <numeric>

#include "policy/links.hpp"

namespace vnuma {
namespace {

bool holds(const HostNode& node, int vcpus, Bytes bytes, const PlannerSettings& settings) {
    return node.cpus > 0 && vcpus <= node.cpus && node.memory_total > 0 &&
           bytes <= filled_at_most(node, settings);
}

// Who touches it is known of that part of a guest's memory at least once it can be told at all.
constexpr Bytes known_part = 8;

bool cools_down(const CellHistory& cell, Millis now, const PlannerSettings& settings) {
    return now - cell.home_since < settings.cool_down << cell.failures;
}

class Chooser {
  public:
    Chooser(const Snapshot& snapshot, const History& history, const PlannerSettings& settings)
        : snapshot_(snapshot), history_(history), settings_(settings) {
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

    NodeSet nodes_that_hold(int vcpus, Bytes bytes) const {
        NodeSet fits;
        for (std::size_t n = 0; n < snapshot_.topology.nodes.size(); ++n)
            if (holds(snapshot_.topology.nodes[n], vcpus, bytes, settings_))
                fits.insert(NodeIndex(n));
        return fits;
    }

    void add_guest(const GuestState& guest) {
        for (const CellState& cell : guest.cells) {
            // What a pool of huge pages holds is seen when it is placed.
            const Bytes bytes = cell.huge_page == 0 ? full_bytes(cell) : 0;
            const NodeSet fits = nodes_that_hold(cell.vcpus, bytes) & cell.allowed;
            std::optional<Reason> refusal;
            if (snapshot_.topology.nodes.size() < 2)
                refusal = Reason::one_node;
            else if (guest.policy.mode == Mode::off)
                refusal = Reason::off;
            else if (!guest.unsteady.empty())
                refusal = Reason::unsteady;
            else if (cell.allowed.empty())
                refusal = Reason::not_allowed;
            if (!refusal && fits.empty() && add_shards(guest, cell)) continue;
            if (!refusal && fits.empty()) refusal = Reason::too_large;
            if (!refusal) {
                add_unit(guest, cell, fits);
                continue;
            }
            hold_apart(guest, cell, *refusal == Reason::unsteady);
            Verdict verdict{cell.key, *refusal};
            verdict.acts = guest.policy.mode == Mode::act;
            if (*refusal == Reason::unsteady) verdict.detail = guest.unsteady;
            if (*refusal == Reason::too_large && guest.cells.size() == 1 && cell.vcpus > 1)
                verdict.detail = "which vCPU touches what is not known yet";
            chosen_.refusals.push_back({&cell, std::move(verdict)});
        }
    }

    void add_unit(const GuestState& guest, const CellState& cell, NodeSet fits) {
        Unit unit;
        const CellHistory* known = find(cell.key);
        unit.parts.push_back({&guest, &cell, known});
        unit.fits = fits;
        unit.apart_group = group_of(guest, Arrangement::apart);
        if (known) {
            unit.former = known->home;
            unit.fixed = cools_down(*known, snapshot_.now, settings_);
            if (fits.contains(known->home))
                unit.home = unit.former;
            else
                unit.displaced = cell.allowed.contains(known->home)
                                     ? "does not hold it any more"
                                     : "may not be its home any more";
        }
        if (guest.policy.mode != Mode::act) hold_apart(guest, cell, false);
        (guest.policy.mode == Mode::act ? chosen_.acting : chosen_.watched)
            .push_back(std::move(unit));
    }

    // A guest cut into shards, and what could be their homes.
    struct Cut {
        Units::Shards shards;
        std::vector<CellState> cells;
        std::vector<NodeSet> fits;
        NodeSet homes;  // of any
    };
    Cut cut(const GuestState& guest, const CellState& cell, NodeSet usable,
            ShardLimits most) const {
        const WideUse& use = *guest.wide;
        const bool ordinary = cell.huge_page == 0;
        const std::size_t by_vcpus = (use.vcpus() + most.vcpus - 1) / most.vcpus;
        std::size_t by_bytes = 1;
        if (ordinary)
            by_bytes = static_cast<std::size_t>((full_bytes(cell) + most.bytes - 1) / most.bytes);
        else  // what a pool holds is seen when it is placed
            most.bytes = total_bytes(cell);
        Cut made;
        made.shards.partition = choose_partition(guest, std::max(by_vcpus, by_bytes), most);
        made.shards.ownership = ownership_of(use, made.shards.partition);
        for (std::size_t s = 0; s < made.shards.partition.size(); ++s) {
            const CellState& shard = made.cells.emplace_back(shard_of(cell, use, made.shards, s));
            const NodeSet fits =
                nodes_that_hold(shard.vcpus, ordinary ? full_bytes(shard) : 0) & usable;
            made.fits.push_back(fits);
            for (std::size_t n = 0; n < snapshot_.topology.nodes.size(); ++n)
                if (fits.contains(NodeIndex(n))) made.homes.insert(NodeIndex(n));
        }
        return made;
    }

    bool add_shards(const GuestState& guest, const CellState& cell) {
        if (!guest.wide || guest.cells.size() != 1 || !guest.wide->known()) return false;
        ShardLimits largest, smallest;
        NodeSet usable;
        for (std::size_t n = 0; n < snapshot_.topology.nodes.size(); ++n) {
            const HostNode& node = snapshot_.topology.nodes[n];
            if (!cell.allowed.contains(NodeIndex(n)) || node.cpus == 0 || node.memory_total == 0)
                continue;
            const ShardLimits limits{static_cast<std::size_t>(node.cpus),
                                     std::max<Bytes>(filled_at_most(node, settings_), 1)};
            const bool first = usable.empty();
            largest = {std::max(largest.vcpus, limits.vcpus),
                       std::max(largest.bytes, limits.bytes)};
            smallest = {first ? limits.vcpus : std::min(smallest.vcpus, limits.vcpus),
                        first ? limits.bytes : std::min(smallest.bytes, limits.bytes)};
            usable.insert(NodeIndex(n));
        }
        if (usable.size() < 2 || guest.wide->vcpus() < 2) return false;
        Cut made = cut(guest, cell, usable, largest);
        // One node would have to hold them all.
        if (made.homes.size() < 2) made = cut(guest, cell, usable, smallest);
        if (made.cells.size() < 2) return false;
        add_cut(guest, cell, std::move(made));
        return true;
    }

    void add_cut(const GuestState& guest, const CellState& cell, Cut made) {
        const WideUse& use = *guest.wide;
        const Partition& shards = (chosen_.shards[guest.uuid] = std::move(made.shards)).partition;
        for (std::size_t s = 0; s < made.cells.size(); ++s)
            add_unit(guest, chosen_.shard_cells.emplace_back(std::move(made.cells[s])),
                     made.fits[s]);
        Verdict verdict{cell.key, Reason::split};
        verdict.acts = guest.policy.mode == Mode::act;
        verdict.detail = std::to_string(shards.size()) + " of " + std::to_string(use.vcpus()) +
                         " vCPUs, " + std::to_string(crossing(use, shards) / 10) +
                         " % of what they touch is another's";
        chosen_.refusals.push_back({&cell, std::move(verdict)});
    }

    // That of before, as long as it serves.
    Partition choose_partition(const GuestState& guest, std::size_t shards,
                               ShardLimits most) const {
        const WideUse& use = *guest.wide;
        const auto known = history_.shards.find(guest.uuid);
        if (known == history_.shards.end()) return form_shards(use, shards, most);
        const Partition& before = known->second.partition;
        std::size_t vcpus = 0;
        for (const auto& shard : before)
            vcpus += shard.size();
        const bool complete = vcpus == use.vcpus() && before.size() >= std::min(shards, vcpus);
        if (complete && snapshot_.now - known->second.since < shards_last) return before;
        // No others could be better by enough.
        if (complete && keeps(use, before, most) && crossing(use, before) < shards_gain)
            return before;
        const Partition fresh = form_shards(use, shards, most);
        const bool serves = complete && (keeps(use, before, most) || !keeps(use, fresh, most));
        if (serves && crossing(use, fresh) + shards_gain > crossing(use, before)) return before;
        return relabelled(fresh, before);
    }

    // Memory of which it is known who touches it, by node.
    static std::vector<Bytes> known_memory(const WideUse& use, std::size_t nodes) {
        std::vector<Bytes> known(nodes);
        for (const auto* all : {&use.own, &use.shared})
            for (const std::vector<Bytes>& bytes : *all)
                for (std::size_t n = 0; n < nodes; ++n)
                    known[n] += bytes[n];
        return known;
    }

    // As long as nobody knows who touches what, all of the guest's memory pulls all vCPUs alike,
    // and moves nowhere. Later, what nobody is known to touch is cold.
    static void add_unknown(CellState& shard, const CellState& cell, const WideUse& use) {
        const std::vector<Bytes> known = known_memory(use, cell.residency.size());
        const bool any_own = std::any_of(use.own.begin(), use.own.end(), [](const auto& own) {
            return std::any_of(own.begin(), own.end(), [](Bytes bytes) { return bytes > 0; });
        });
        const Bytes all = std::accumulate(known.begin(), known.end(), Bytes{0});
        if (any_own || all >= total_bytes(cell) / known_part) return;
        shard.movable = false;
        const auto vcpus = static_cast<Bytes>(use.vcpus());
        for (std::size_t n = 0; n < known.size(); ++n)
            shard.residency[n] +=
                std::max<Bytes>(cell.residency[n] - known[n], 0) * shard.vcpus / vcpus;
    }

    // Its memory is what its vCPUs alone touch. What other shards touch, too, stays where it is,
    // but draws the one that touches it most.
    static CellState shard_of(const CellState& cell, const WideUse& use,
                              const Units::Shards& shards, std::size_t index) {
        const std::vector<std::size_t>& vcpus = shards.partition[index];
        CellState shard;
        shard.key = {cell.key.uuid, cell.key.cell, static_cast<int>(index)};
        shard.vcpus = static_cast<int>(vcpus.size());
        shard.residency.assign(cell.residency.size(), 0);
        shard.huge_page = cell.huge_page;
        shard.movable = cell.movable;
        shard.allowed = cell.allowed;
        shard.confined_to = use.confined_to[vcpus.front()];
        const auto add = [&](const std::vector<Bytes>& bytes) {
            for (std::size_t n = 0; n < shard.residency.size(); ++n)
                shard.residency[n] += bytes[n];
        };
        for (const std::size_t vcpu : vcpus) {
            shard.cpu_use += use.cpu_use[vcpu];
            add(use.own[vcpu]);
            shard.pinned |= cell.pinned && use.confined_to[vcpu];
            if (use.confined_to[vcpu] != shard.confined_to) shard.confined_to.reset();
        }
        for (std::size_t g = 0; g < use.groups; ++g)
            if (belongs_to(shards.ownership, g, index)) add(use.shared[g]);
        add_unknown(shard, cell, use);
        // Of what nobody has touched yet, as much as of the vCPUs.
        shard.size = total_bytes(shard) + std::max<Bytes>(cell.size - total_bytes(cell), 0) *
                                              shard.vcpus / static_cast<Bytes>(use.vcpus());
        shard.heat = shard.residency;
        for (std::size_t g = 0; g < use.groups; ++g)
            if (shards.ownership.owner[g] == index && !belongs_to(shards.ownership, g, index))
                for (std::size_t n = 0; n < shard.heat.size(); ++n)
                    shard.heat[n] += use.shared[g][n];
        return shard;
    }

    // Of a member of a group whose members are apart, where it is; or its homes, and those of its
    // shards.
    void hold_apart(const GuestState& guest, const CellState& cell, bool has_homes) {
        const std::optional<std::size_t> group = group_of(guest, Arrangement::apart);
        if (!group) return;
        const std::size_t held = chosen_.held_apart.size();
        auto known = history_.cells.lower_bound(cell.key);
        for (; has_homes && known != history_.cells.end(); ++known) {
            const CellKey& key = known->first;
            if (key.uuid != cell.key.uuid || key.cell != cell.key.cell) break;
            chosen_.held_apart.push_back({*group, known->second.home, &guest});
        }
        if (chosen_.held_apart.size() == held && cell.confined_to)
            chosen_.held_apart.push_back({*group, *cell.confined_to, &guest});
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

    // The cells of a group that has one home become one unit, where one node holds them all.
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
            if (units.size() > 1) join(units, joined);
        std::size_t kept = 0;
        for (std::size_t i = 0; i < chosen_.acting.size(); ++i)
            if (!joined[i]) std::swap(chosen_.acting[kept++], chosen_.acting[i]);
        chosen_.acting.resize(kept);
    }

    void join(const std::vector<std::size_t>& members, std::vector<bool>& joined) {
        Unit& first = chosen_.acting[members.front()];
        NodeSet fits = first.fits;
        std::map<NodeIndex, Bytes> homes;
        bool fixed = true, all_have_one = true;
        for (const std::size_t i : members) {
            const Unit& unit = chosen_.acting[i];
            fits = fits & unit.fits;
            if (unit.home) homes[*unit.home] += full_bytes(*unit.parts.front().cell) + 1;
            all_have_one = all_have_one && unit.home;
            fixed = fixed && unit.fixed;
        }
        const bool joined_before = all_have_one && homes.size() == 1;
        if (!joined_before) fits = fits & nodes_with_room(members);
        if (fits.empty()) {
            link_all(members);
            return;
        }
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
        first.fixed = fixed && homes.size() == 1;
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
    std::vector<const GuestState*> guests_;
    std::map<CellKey, CellHistory>::const_iterator known_;
    std::vector<std::pair<const CellState*, const CellState*>> broken_;  // of groups
    Units chosen_;
};

}  // namespace

Units choose_units(const Snapshot& snapshot, const History& history,
                   const PlannerSettings& settings) {
    return Chooser(snapshot, history, settings).run();
}

}  // namespace vnuma
