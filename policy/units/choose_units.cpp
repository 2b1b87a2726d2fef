#include "policy/units/choose_units.hpp"

#include <algorithm>

#include "policy/units/bystanders.hpp"
#include "policy/units/coupling.hpp"
#include "policy/units/guest_groups.hpp"
#include "policy/units/guest_order.hpp"

namespace vnuma {
namespace {

// Time until the guest's homes may change again, in milliseconds; 0 if they may.
Millis changes_left(const History& history, const std::string& uuid, Millis now,
                    const PlannerSettings& settings) {
    const auto known = history.changes.find(uuid);
    const auto most = static_cast<std::size_t>(settings.changes_per_hour);
    if (known == history.changes.end() || known->second.size() < most) return 0;
    return std::max<Millis>(known->second[known->second.size() - most] + changes_window - now, 0);
}

// Time until the cell's cool-down is over, in milliseconds; 0 if it is.
Millis cool_down_left(const CellHistory& cell, Millis now, const PlannerSettings& settings) {
    return std::max<Millis>(cell.home_since + (settings.cool_down << cell.failures) - now, 0);
}

class Chooser {
  public:
    Chooser(const Snapshot& snapshot, const History& history, const PlannerSettings& settings)
        : snapshot_(snapshot),
          history_(history),
          settings_(settings),
          capacity_(snapshot, settings),
          known_(history.cells.begin()),
          bystanders_(snapshot, history) {
        chosen_.acting.reserve(std::max(history.cells.size(), snapshot.guests.size()));
    }

    Units run() {
        for (const GuestState* guest : sorted_by_uuid(snapshot_.guests))
            add_guest(*guest);
        chosen_.held_apart = bystanders_.held_apart();
        separate_groups(chosen_.acting, chosen_.held_apart);
        const CoupledCells coupled = join_groups(chosen_.acting, snapshot_, settings_, bystanders_);
        couple_cells(chosen_.acting, chosen_.splits);
        couple_cells(chosen_.watched, chosen_.splits);
        couple_groups(chosen_.acting, coupled);
        return std::move(chosen_);
    }

  private:
    void add_guest(const GuestState& guest) {
        cool_down_left_ = cool_down_left(guest);
        changes_left_ = changes_left(history_, guest.uuid, snapshot_.now, settings_);
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

    // All cells of a guest share one cool-down. Must be called in the order of UUIDs.
    Millis cool_down_left(const GuestState& guest) {
        while (known_ != history_.cells.end() && known_->first.uuid < guest.uuid)
            ++known_;
        Millis longest = 0;
        for (auto known = known_; known != history_.cells.end() && known->first.uuid == guest.uuid;
             ++known)
            longest =
                std::max(longest, vnuma::cool_down_left(known->second, snapshot_.now, settings_));
        return longest;
    }

    // Must be called in the order of keys.
    const CellHistory* find(const CellKey& key) {
        for (; known_ != history_.cells.end(); ++known_) {
            const auto order = known_->first <=> key;
            if (order == 0) return &known_->second;
            if (order > 0) break;
        }
        return nullptr;
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
        const bool is_to_split = !refusal && (fits.empty() || is_too_busy(cell, fits));
        if (is_to_split && add_shards(guest, cell)) return;
        if (is_to_split && awaits_access_matrix(guest, cell))
            refusal = Reason::unsteady;
        else if (!refusal && fits.empty())
            refusal = Reason::too_large;
        if (refusal)
            refuse(guest, cell, *refusal);
        else
            add_unit(guest, cell, fits);
    }

    // Whether a cell that some node holds is busier than any of these nodes. A guest that is split
    // stays so for the length of its cool-down, and until one node has a quarter of its CPUs left.
    bool is_too_busy(const CellState& cell, NodeSet fits) const {
        if (is_busier_than_nodes(snapshot_.topology, cell, fits)) return true;
        return history_.shards.contains(cell.key.uuid) &&
               (cool_down_left_ > 0 ||
                is_busier_than_nodes(snapshot_.topology, cell, fits, reunion_load));
    }

    // Whether its policy or its group demand a home for the guest's cell.
    bool may_roam(const GuestState& guest, const CellState& cell) const {
        const GuestPolicy& policy = guest.policy;
        if (!policy.home.empty() || group_of(guest, snapshot_, Arrangement::together) ||
            group_of(guest, snapshot_, Arrangement::apart))
            return false;
        const auto is_allowed = [&](int id) {
            return !policy.nodes ||
                   std::binary_search(policy.nodes->begin(), policy.nodes->end(), id);
        };
        const Topology& topology = snapshot_.topology;
        for (std::size_t n = 0; n < topology.nodes.size(); ++n)
            if (!is_allowed(topology.nodes[n].id) && usable_cores(topology, cell, NodeIndex(n)) > 0)
                return false;
        return true;
    }

    // Whether the guest was placed in shards that may stay, but its access matrix has been reset.
    bool awaits_access_matrix(const GuestState& guest, const CellState& cell) const {
        if (!history_.shards.contains(guest.uuid) || is_access_matrix_known(guest)) return false;
        if (guest.policy.mode != Mode::act || guest.cells.size() != 1 || cell.vcpus < 2 ||
            nodes_for_shards(snapshot_.topology, cell.allowed).size() < 2)
            return false;
        auto known = history_.cells.lower_bound({guest.uuid, 0, CellKey::whole});
        for (; known != history_.cells.end() && known->first.uuid == guest.uuid; ++known)
            if (!known->second.roams && !cell.allowed.contains(known->second.home)) return false;
        return true;
    }

    void refuse(const GuestState& guest, const CellState& cell, Reason reason) {
        bystanders_.add(
            guest, cell,
            reason == Reason::unsteady ? Bystanders::Kind::unsteady : Bystanders::Kind::excluded);
        Verdict verdict{cell.key, reason};
        verdict.acts = guest.policy.mode == Mode::act;
        if (reason == Reason::unsteady)
            verdict.detail = guest.unsteady.empty()
                                 ? "which vCPU accesses what has to be measured again"
                                 : guest.unsteady;
        if (reason == Reason::too_large) describe_size(guest, cell, verdict);
        chosen_.refusals.push_back({&cell, std::move(verdict)});
    }

    // Compares the cell with the allowed node that comes nearest to holding it: the one with enough
    // CPUs, or with the most, and among these the one with the most memory.
    void describe_size(const GuestState& guest, const CellState& cell, Verdict& verdict) const {
        if (guest.cells.size() == 1 && cell.vcpus > 1 && !is_access_matrix_known(guest) &&
            nodes_for_shards(snapshot_.topology, cell.allowed).size() > 1)
            verdict.detail = "which vCPU accesses what is not known yet";
        const auto rank = [&](NodeIndex node) {
            return std::pair(std::min(snapshot_.topology.nodes[node].cpus, cell.vcpus),
                             capacity_.memory(node, cell.huge_page));
        };
        std::optional<NodeIndex> nearest;
        for (std::size_t n = 0; n < snapshot_.topology.nodes.size(); ++n)
            if (cell.allowed.contains(NodeIndex(n)) &&
                (!nearest || rank(NodeIndex(n)) > rank(*nearest)))
                nearest = NodeIndex(n);
        if (!nearest) return;
        verdict.alternative.emplace(Alternative{*nearest}).shortage =
            Shortage{full_bytes(cell), capacity_.memory(*nearest, cell.huge_page), cell.vcpus};
    }

    void add_unit(const GuestState& guest, const CellState& cell, NodeSet fits,
                  Millis shards_due = 0) {
        Unit unit;
        const CellHistory* known = find(cell.key);
        unit.parts.push_back({&guest, &cell, known});
        unit.fits = fits;
        unit.apart_group = group_of(guest, snapshot_, Arrangement::apart);
        unit.may_roam = may_roam(guest, cell);
        if (known) {
            unit.roamed = known->roams && unit.may_roam;
            if (!known->roams) unit.former = known->home;
            unit.cooling = cool_down_left_;
            unit.shards_due = shards_due;
            unit.changes_due = changes_left_;
            unit.fixed = cool_down_left_ > 0 || shards_due > 0 || changes_left_ > 0;
            if (known->roams || fits.contains(known->home))
                unit.initial_home = unit.former;
            else
                unit.displaced = cell.allowed.contains(known->home)
                                     ? "does not hold it any more"
                                     : "may not be its home any more";
        }
        const bool acts = guest.policy.mode == Mode::act;
        if (!acts) bystanders_.add(guest, cell, Bystanders::Kind::watched);
        (acts ? chosen_.acting : chosen_.watched).push_back(std::move(unit));
    }

    // Returns whether the guest could be split.
    bool add_shards(const GuestState& guest, const CellState& cell) {
        const auto known = history_.shards.find(guest.uuid);
        const ShardHistory* former = known != history_.shards.end() ? &known->second : nullptr;
        std::optional<SplitGuest> made = split_into_shards(
            guest, cell, snapshot_, capacity_, former, homes_of_shards(cell.key, former));
        if (!made) return false;
        for (Shard& shard : made->shards)
            add_unit(guest, chosen_.shard_cells.emplace_back(std::move(shard.cell)), shard.fits,
                     made->next_check);
        const Partition& partition =
            (chosen_.splits[guest.uuid] = std::move(made->split)).partition;
        Verdict verdict{cell.key, Reason::split};
        verdict.acts = guest.policy.mode == Mode::act;
        verdict.detail = std::to_string(partition.size()) + " shards with " +
                         std::to_string(guest.wide->vcpus()) + " vCPUs, " +
                         std::to_string(cross_shard_share(*guest.wide, partition) / 10) +
                         " % of their accesses go to the memory of other shards";
        chosen_.refusals.push_back({&cell, std::move(verdict)});
        return true;
    }

    std::vector<std::optional<NodeIndex>> homes_of_shards(const CellKey& cell,
                                                          const ShardHistory* shards) const {
        std::vector<std::optional<NodeIndex>> homes;
        for (std::size_t s = 0; shards && s < shards->partition.size(); ++s) {
            const auto known = history_.cells.find({cell.uuid, cell.cell, static_cast<int>(s)});
            const bool has_home = known != history_.cells.end() && !known->second.roams;
            homes.push_back(has_home ? std::optional(known->second.home) : std::nullopt);
        }
        return homes;
    }

    const Snapshot& snapshot_;
    const History& history_;
    const PlannerSettings& settings_;
    const NodeCapacity capacity_;
    std::map<CellKey, CellHistory>::const_iterator known_;  // first entry that is still ahead
    Millis cool_down_left_ = 0;                             // of the guest that is being added
    Millis changes_left_ = 0;                               // the same
    Bystanders bystanders_;
    Units chosen_;
};

}  // namespace

Units choose_units(const Snapshot& snapshot, const History& history,
                   const PlannerSettings& settings) {
    return Chooser(snapshot, history, settings).run();
}

}  // namespace vnuma
