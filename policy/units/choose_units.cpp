#include "policy/units/choose_units.hpp"

#include <algorithm>

#include "policy/units/coupling.hpp"
#include "policy/units/guest_groups.hpp"

namespace vnuma {
namespace {

// Of a text, so that texts that differ in it are ordered as their prefixes are.
std::uint64_t prefix_of(const std::string& text) {
    std::uint64_t prefix = 0;
    for (std::size_t i = 0; i < sizeof prefix; ++i)
        prefix = prefix << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0U);
    return prefix;
}

// By uuid. Of thousands of guests most texts are not looked at more than once.
std::vector<const GuestState*> in_order(const std::vector<GuestState>& guests) {
    std::vector<std::pair<std::uint64_t, const GuestState*>> keyed;
    keyed.reserve(guests.size());
    for (const GuestState& guest : guests)
        keyed.emplace_back(prefix_of(guest.uuid), &guest);
    std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : a.second->uuid < b.second->uuid;
    });
    std::vector<const GuestState*> ordered;
    ordered.reserve(guests.size());
    for (const auto& [prefix, guest] : keyed)
        ordered.push_back(guest);
    return ordered;
}

// How long it still does; 0: it does not.
Millis cools_down(const CellHistory& cell, Millis now, const PlannerSettings& settings) {
    return std::max<Millis>(cell.home_since + (settings.cool_down << cell.failures) - now, 0);
}

class Chooser {
  public:
    Chooser(const Snapshot& snapshot, const History& history, const PlannerSettings& settings)
        : snapshot_(snapshot),
          history_(history),
          settings_(settings),
          capacity_(snapshot, settings) {
        guests_ = in_order(snapshot.guests);
        known_ = history.cells.begin();
        chosen_.acting.reserve(std::max(history.cells.size(), guests_.size()));
        left_alone_.growth.resize(snapshot.topology.nodes.size());
    }

    Units run() {
        for (const GuestState* guest : guests_)
            add_guest(*guest);
        part_groups(chosen_.acting, chosen_.held_apart);
        const DrawnTogether drawn = join_groups(chosen_.acting, snapshot_, settings_, left_alone_);
        couple_cells(chosen_.acting, chosen_.shards);
        couple_cells(chosen_.watched, chosen_.shards);
        couple_groups(chosen_.acting, drawn);
        return std::move(chosen_);
    }

  private:
    // Calls come in the order of keys.
    const CellHistory* find(const CellKey& key) {
        for (; known_ != history_.cells.end(); ++known_) {
            const auto order = known_->first <=> key;
            if (order == 0) return &known_->second;
            if (order > 0) break;
        }
        return nullptr;
    }

    void add_guest(const GuestState& guest) {
        cooling_ = how_long_it_cools_down(guest);
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

    // One home at a time of one guest. Calls come in the order of guests.
    Millis how_long_it_cools_down(const GuestState& guest) {
        while (known_ != history_.cells.end() && known_->first.uuid < guest.uuid)
            ++known_;
        Millis longest = 0;
        for (auto known = known_; known != history_.cells.end() && known->first.uuid == guest.uuid;
             ++known)
            longest = std::max(longest, cools_down(known->second, snapshot_.now, settings_));
        return longest;
    }

    // It was placed in shards, which may stay, and who touches what has to be found out anew.
    bool has_to_be_seen_anew(const GuestState& guest, const CellState& cell) const {
        if (!history_.shards.contains(guest.uuid) || is_access_matrix_known(guest)) return false;
        if (guest.policy.mode != Mode::act || guest.cells.size() != 1 || cell.vcpus < 2 ||
            nodes_for_shards(snapshot_.topology, cell.allowed).size() < 2)
            return false;
        auto known = history_.cells.lower_bound({guest.uuid, 0, CellKey::whole});
        for (; known != history_.cells.end() && known->first.uuid == guest.uuid; ++known)
            if (!cell.allowed.contains(known->second.home)) return false;
        return true;
    }

    void add_cell(const GuestState& guest, const CellState& cell) {
        const NodeSet fits =
            capacity_.nodes_that_hold(cell.vcpus, full_bytes(cell), cell.huge_page) & cell.allowed;
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
            refusal = has_to_be_seen_anew(guest, cell) ? Reason::unsteady : Reason::too_large;
        if (!refusal) {
            add_unit(guest, cell, fits);
            return;
        }
        leave_alone(guest, cell, *refusal == Reason::unsteady, *refusal == Reason::unsteady);
        Verdict verdict{cell.key, *refusal};
        verdict.acts = guest.policy.mode == Mode::act;
        if (*refusal == Reason::unsteady)
            verdict.detail = guest.unsteady.empty()
                                 ? "which vCPU accesses what has to be found out anew"
                                 : guest.unsteady;
        if (*refusal == Reason::too_large) say_how_large(guest, cell, verdict);
        chosen_.refusals.push_back({&cell, std::move(verdict)});
    }

    // Beside the allowed node that comes nearest to holding it: with the CPUs and most memory.
    void say_how_large(const GuestState& guest, const CellState& cell, Verdict& verdict) const {
        if (guest.cells.size() == 1 && cell.vcpus > 1 && !is_access_matrix_known(guest) &&
            nodes_for_shards(snapshot_.topology, cell.allowed).size() > 1)
            verdict.detail = "which vCPU accesses what is not known yet";
        const auto rank = [&](NodeIndex node) {
            return std::pair(std::min(snapshot_.topology.nodes[node].cpus, cell.vcpus),
                             capacity_.memory(node, cell.huge_page));
        };
        std::optional<NodeIndex> largest;
        for (std::size_t n = 0; n < snapshot_.topology.nodes.size(); ++n)
            if (cell.allowed.contains(NodeIndex(n)) &&
                (!largest || rank(NodeIndex(n)) > rank(*largest)))
                largest = NodeIndex(n);
        if (!largest) return;
        Alternative& nearest = verdict.alternative.emplace(Alternative{*largest});
        nearest.shortage =
            Shortage{full_bytes(cell), capacity_.memory(*largest, cell.huge_page), cell.vcpus};
    }

    void add_unit(const GuestState& guest, const CellState& cell, NodeSet fits,
                  Millis shards_due = 0) {
        Unit unit;
        const CellHistory* known = find(cell.key);
        unit.parts.push_back({&guest, &cell, known});
        unit.fits = fits;
        unit.apart_group = group_of(guest, snapshot_, Arrangement::apart);
        if (known) {
            unit.former = known->home;
            unit.cooling = cooling_;
            unit.shards_due = shards_due;
            unit.fixed = cooling_ > 0 || shards_due > 0;
            if (fits.contains(known->home))
                unit.initial_home = unit.former;
            else
                unit.displaced = cell.allowed.contains(known->home)
                                     ? "does not hold it any more"
                                     : "may not be its home any more";
        }
        if (guest.policy.mode != Mode::act) leave_alone(guest, cell, false, true);
        (guest.policy.mode == Mode::act ? chosen_.acting : chosen_.watched)
            .push_back(std::move(unit));
    }

    bool add_shards(const GuestState& guest, const CellState& cell) {
        const auto before = history_.shards.find(guest.uuid);
        const ShardHistory* shards = before != history_.shards.end() ? &before->second : nullptr;
        std::vector<std::optional<NodeIndex>> homes;
        for (std::size_t s = 0; shards && s < shards->partition.size(); ++s) {
            const auto known =
                history_.cells.find({cell.key.uuid, cell.key.cell, static_cast<int>(s)});
            const bool has_home = known != history_.cells.end();
            homes.push_back(has_home ? std::optional(known->second.home) : std::nullopt);
        }
        std::optional<SplitGuest> made =
            split_into_shards(guest, cell, snapshot_, capacity_, shards, homes);
        if (!made) return false;
        const WideUse& use = *guest.wide;
        for (std::size_t s = 0; s < made->cells.size(); ++s)
            add_unit(guest, chosen_.shard_cells.emplace_back(std::move(made->cells[s])),
                     made->fits[s], made->due);
        const Partition& partition =
            (chosen_.shards[guest.uuid] = std::move(made->shards)).partition;
        Verdict verdict{cell.key, Reason::split};
        verdict.acts = guest.policy.mode == Mode::act;
        verdict.detail = std::to_string(partition.size()) + " of " + std::to_string(use.vcpus()) +
                         " vCPUs, " + std::to_string(crossing(use, partition) / 10) +
                         " % of what they touch is another's";
        chosen_.refusals.push_back({&cell, std::move(verdict)});
        return true;
    }

    // Of a member of a group that is left alone, others are apart from where it is, or from its
    // homes and those of its shards; or it draws them there.
    void leave_alone(const GuestState& guest, const CellState& cell, bool has_homes, bool draws) {
        for (std::size_t n = 0; n < left_alone_.growth.size(); ++n)
            left_alone_.growth[n] += growth_at(cell, NodeIndex(n));
        if (guest.policy.group.empty()) return;
        std::vector<NodeIndex> nodes;
        auto known = history_.cells.lower_bound(cell.key);
        for (; has_homes && known != history_.cells.end(); ++known) {
            const CellKey& key = known->first;
            if (key.uuid != cell.key.uuid || key.cell != cell.key.cell) break;
            nodes.push_back(known->second.home);
        }
        if (nodes.empty() && cell.confined_to) nodes.push_back(*cell.confined_to);
        if (const auto group = group_of(guest, snapshot_, Arrangement::apart))
            for (const NodeIndex node : nodes)
                chosen_.held_apart.push_back({*group, node, &guest});
        const auto group = group_of(guest, snapshot_, Arrangement::together);
        if (group && draws && guest.cells.size() == 1 && nodes.size() == 1)
            left_alone_.together.try_emplace(*group, nodes.front());
    }

    const Snapshot& snapshot_;
    const History& history_;
    const PlannerSettings& settings_;
    const NodeCapacity capacity_;
    std::vector<const GuestState*> guests_;
    std::map<CellKey, CellHistory>::const_iterator known_;
    Millis cooling_ = 0;  // of the guest that is being added
    LeftAlone left_alone_;
    Units chosen_;
};

}  // namespace

Units choose_units(const Snapshot& snapshot, const History& history,
                   const PlannerSettings& settings) {
    return Chooser(snapshot, history, settings).run();
}

}  // namespace vnuma
