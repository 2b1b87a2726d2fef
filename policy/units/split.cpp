#include "policy/units/split.hpp"

#include <algorithm>

namespace vnuma {
namespace {

// Its memory is what its vCPUs alone touch. What other shards touch, too, stays where it is, but
// draws the one that touches it most.
CellState shard_of(const CellState& cell, const WideUse& use, const Shards& shards,
                   std::size_t index) {
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
    for (std::size_t g = 0; g < use.extents; ++g)
        if (belongs_to(shards.ownership, g, index)) add(use.shared[g]);
    // Of what nobody has touched yet, as much as of the vCPUs.
    shard.size = total_bytes(shard) + std::max<Bytes>(cell.size - total_bytes(cell), 0) *
                                          shard.vcpus / static_cast<Bytes>(use.vcpus());
    shard.heat = shard.residency;
    for (std::size_t g = 0; g < use.extents; ++g)
        if (shards.ownership.owner[g] == index && !belongs_to(shards.ownership, g, index))
            for (std::size_t n = 0; n < shard.heat.size(); ++n)
                shard.heat[n] += use.shared[g][n];
    return shard;
}

// Until it is looked at whether others would be better.
Millis stay_for(const ShardHistory& known, Millis now) {
    return std::max({known.since + reshard_interval - now,
                     known.changed + reshard_cool_down(known) - now, Millis{0}});
}

// Whether others may be better.
bool may_be_better(const WideUse& use, const Partition& partition) {
    return crossing(use, partition) >= reshard_gain || scattered(use, partition) >= reshard_gain;
}

// What is another shard's is remote for good; what is scattered, until it has moved.
bool is_better(const WideUse& use, const Partition& fresh, const Partition& before) {
    constexpr PerMille noise = reshard_gain / 8;  // of what all touch a little
    const PerMille less_crossing = crossing(use, before) - crossing(use, fresh);
    const PerMille less_scattered = scattered(use, before) - scattered(use, fresh);
    return less_crossing >= reshard_gain ||
           (less_crossing > -noise && less_crossing + less_scattered >= reshard_gain);
}

// That of before, as long as it serves.
Partition choose_partition(const WideUse& use, std::size_t shards, ShardLimits most,
                           const ShardHistory* known,
                           const std::vector<std::optional<NodeIndex>>& homes, Millis now) {
    if (!known) return form_shards(use, shards, most);
    const Partition& before = known->partition;
    std::size_t vcpus = 0;
    for (const auto& shard : before)
        vcpus += shard.size();
    const bool complete = vcpus == use.vcpus() && before.size() >= std::min(shards, vcpus);
    if (complete && now - known->since < reshard_interval) return before;
    if (complete && now - known->changed < reshard_cool_down(*known) && keeps(use, before, most))
        return before;
    if (complete && keeps(use, before, most) && !may_be_better(use, before)) return before;
    const Partition fresh = form_shards(use, shards, most);
    const bool serves = complete && (keeps(use, before, most) || !keeps(use, fresh, most));
    if (serves && !is_better(use, fresh, before)) return before;
    return relabelled(use, fresh, before, homes);
}

class Splitter {
  public:
    Splitter(const GuestState& guest, const CellState& cell, const Snapshot& snapshot,
             const NodeCapacity& capacity, const ShardHistory* before,
             const std::vector<std::optional<NodeIndex>>& homes)
        : use_(*guest.wide),
          cell_(cell),
          snapshot_(snapshot),
          capacity_(capacity),
          before_(before),
          homes_(homes),
          usable_(nodes_for_shards(snapshot.topology, cell.allowed)) {}

    std::optional<SplitGuest> run() const {
        if (usable_.size() < 2 || use_.vcpus() < 2) return std::nullopt;
        const std::vector<HostNode>& nodes = snapshot_.topology.nodes;
        std::optional<ShardLimits> largest, smallest;
        for (std::size_t n = 0; n < nodes.size(); ++n) {
            const Bytes bytes = capacity_.memory(NodeIndex(n), cell_.huge_page);
            if (!usable_.contains(NodeIndex(n)) || bytes <= 0) continue;
            const ShardLimits limits{static_cast<std::size_t>(nodes[n].cpus), bytes,
                                     nodes[n].cpu_capacity};
            if (!largest) largest = smallest = limits;
            largest = {std::max(largest->vcpus, limits.vcpus),
                       std::max(largest->bytes, limits.bytes), std::max(largest->use, limits.use)};
            smallest = {std::min(smallest->vcpus, limits.vcpus),
                        std::min(smallest->bytes, limits.bytes),
                        std::min(smallest->use, limits.use)};
        }
        if (!largest) return std::nullopt;
        SplitGuest made = split(*largest);
        // One node would have to hold them all; or what is largest of each, no node has both.
        if (homes_of(made).size() < 2 || homeless_in(made) > 0) {
            SplitGuest smaller = split(*smallest);
            if (homes_of(made).size() < 2 || homeless_in(smaller) < homeless_in(made))
                made = std::move(smaller);
        }
        if (made.cells.size() < 2 || homes_of(made).size() < 2) return std::nullopt;
        return made;
    }

  private:
    static std::ptrdiff_t homeless_in(const SplitGuest& made) {
        return std::count_if(made.fits.begin(), made.fits.end(),
                             [](NodeSet fits) { return fits.empty(); });
    }

    static NodeSet homes_of(const SplitGuest& made) {
        NodeSet homes;
        for (const NodeSet fits : made.fits)
            homes = homes | fits;
        return homes;
    }

    SplitGuest split(ShardLimits most) const {
        const std::size_t by_vcpus = (use_.vcpus() + most.vcpus - 1) / most.vcpus;
        const auto by_bytes =
            static_cast<std::size_t>((full_bytes(cell_) + most.bytes - 1) / most.bytes);
        SplitGuest made;
        made.shards.partition = choose_partition(use_, std::max(by_vcpus, by_bytes), most, before_,
                                                 homes_, snapshot_.now);
        made.shards.ownership = ownership_of(use_, made.shards.partition);
        if (before_ && made.shards.partition == before_->partition &&
            may_be_better(use_, made.shards.partition))
            made.due = stay_for(*before_, snapshot_.now);
        for (std::size_t s = 0; s < made.shards.partition.size(); ++s) {
            const CellState& shard = made.cells.emplace_back(shard_of(cell_, use_, made.shards, s));
            made.fits.push_back(usable_ & capacity_.nodes_that_hold(shard.vcpus, full_bytes(shard),
                                                                    shard.huge_page));
        }
        return made;
    }

    const WideUse& use_;
    const CellState& cell_;
    const Snapshot& snapshot_;
    const NodeCapacity& capacity_;
    const ShardHistory* before_;
    const std::vector<std::optional<NodeIndex>>& homes_;
    const NodeSet usable_;
};

}  // namespace

Millis reshard_cool_down(const ShardHistory& shards) {
    return shards.changes == 0 ? 0 : reshard_interval << shards.changes;
}

NodeSet nodes_for_shards(const Topology& topology, NodeSet allowed) {
    NodeSet nodes;
    for (std::size_t n = 0; n < topology.nodes.size(); ++n)
        if (allowed.contains(NodeIndex(n)) && topology.nodes[n].cpus > 0 &&
            topology.nodes[n].memory_total > 0)
            nodes.insert(NodeIndex(n));
    return nodes;
}

bool is_access_matrix_known(const GuestState& guest) {
    const auto any = [](const std::vector<std::vector<Bytes>>& by_node) {
        return std::any_of(by_node.begin(), by_node.end(), [](const std::vector<Bytes>& bytes) {
            return std::any_of(bytes.begin(), bytes.end(), [](Bytes b) { return b > 0; });
        });
    };
    return guest.wide && guest.cells.size() == 1 && guest.wide->known() &&
           (any(guest.wide->own) || any(guest.wide->shared));
}

std::optional<SplitGuest> split_into_shards(const GuestState& guest, const CellState& cell,
                                            const Snapshot& snapshot, const NodeCapacity& capacity,
                                            const ShardHistory* before,
                                            const std::vector<std::optional<NodeIndex>>& homes) {
    if (!is_access_matrix_known(guest)) return std::nullopt;
    return Splitter(guest, cell, snapshot, capacity, before, homes).run();
}

}  // namespace vnuma
