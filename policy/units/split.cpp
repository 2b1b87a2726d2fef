#include "policy/units/split.hpp"

#include <algorithm>

#include "policy/units/shards/form_shards.hpp"
#include "policy/units/shards/match_shards.hpp"

namespace vnuma {
namespace {

void add(std::vector<Bytes>& sum, const std::vector<Bytes>& bytes) {
    for (std::size_t n = 0; n < sum.size(); ++n)
        sum[n] += bytes[n];
}

// The memory of a shard is what its vCPUs alone access. Memory that other shards access as well
// stays where it is, but counts as heat of the shard with the most accesses.
CellState shard_cell(const CellState& cell, const WideUse& use, const Split& split,
                     std::size_t index) {
    const std::vector<std::size_t>& vcpus = split.partition[index];
    CellState shard;
    shard.key = {cell.key.uuid, cell.key.cell, static_cast<int>(index)};
    shard.vcpus = static_cast<int>(vcpus.size());
    shard.residency.assign(cell.residency.size(), 0);
    shard.huge_page = cell.huge_page;
    shard.movable = cell.movable;
    shard.allowed = cell.allowed;
    shard.cpu_pools = cell.cpu_pools;
    shard.confined_to = use.confined_to[vcpus.front()];
    for (const std::size_t vcpu : vcpus) {
        shard.cpu_use += use.cpu_use[vcpu];
        add(shard.residency, use.own[vcpu]);
        shard.pinned |= cell.pinned && use.confined_to[vcpu];
        if (use.confined_to[vcpu] != shard.confined_to) shard.confined_to.reset();
    }
    for (std::size_t e = 0; e < use.extents; ++e)
        if (is_private_to(split.ownership, e, index)) add(shard.residency, use.shared[e]);
    // Memory that is not allocated yet is divided by vCPUs.
    shard.size = total_bytes(shard) + std::max<Bytes>(cell.size - total_bytes(cell), 0) *
                                          shard.vcpus / static_cast<Bytes>(use.vcpus());
    shard.heat = shard.residency;
    for (std::size_t e = 0; e < use.extents; ++e)
        if (split.ownership.owner[e] == index && !is_private_to(split.ownership, e, index))
            add(shard.heat, use.shared[e]);
    return shard;
}

// What serves the guest beside its vCPUs may run elsewhere.
MilliCpu use_of_vcpus(const CellState& cell) {
    return std::min(cell.cpu_use, cell.vcpus * MilliCpu{1000});
}

Millis until_next_check(const ShardHistory& known, Millis now) {
    return std::max({known.since + reshard_interval - now,
                     known.changed + reshard_cool_down(known) - now, Millis{0}});
}

// Whether another partition could gain enough.
bool could_improve(const WideUse& use, const Partition& partition) {
    return cross_shard_share(use, partition) >= reshard_gain ||
           off_node_share(use, partition) >= reshard_gain;
}

// Accesses to other shards' memory stay remote. Accesses off the shard's main node are remote until
// the memory has moved, so they count only if the former do not increase.
bool improves(const WideUse& use, const Partition& fresh, const Partition& former) {
    constexpr PerMille noise = reshard_gain / 8;  // of memory that all vCPUs access a little
    const PerMille less_cross_shard =
        cross_shard_share(use, former) - cross_shard_share(use, fresh);
    const PerMille less_off_node = off_node_share(use, former) - off_node_share(use, fresh);
    return less_cross_shard >= reshard_gain ||
           (less_cross_shard > -noise && less_cross_shard + less_off_node >= reshard_gain);
}

// Keeps the former partition, unless it is incomplete or no longer within the limits, or a
// repartition check finds a better one.
Partition choose_partition(const WideUse& use, std::size_t shards, ShardLimits limits,
                           const ShardHistory* known,
                           const std::vector<std::optional<NodeIndex>>& homes, Millis now) {
    if (!known) return form_shards(use, shards, limits);
    const Partition& former = known->partition;
    std::size_t vcpus = 0;
    for (const auto& shard : former)
        vcpus += shard.size();
    const bool complete = vcpus == use.vcpus() && former.size() >= std::min(shards, vcpus);
    if (complete && now - known->since < reshard_interval) return former;
    const bool fits = complete && within_limits(use, former, limits);
    if (fits && now - known->changed < reshard_cool_down(*known)) return former;
    if (fits && !could_improve(use, former)) return former;
    const Partition fresh = form_shards(use, shards, limits);
    const bool usable = complete && (fits || !within_limits(use, fresh, limits));
    if (usable && !improves(use, fresh, former)) return former;
    return match_shards(use, fresh, former, homes);
}

// Limits of the largest and of the smallest node that can hold a shard, each dimension by itself.
struct NodeLimits {
    ShardLimits largest, smallest;
};

std::optional<NodeLimits> limits_of_nodes(const Topology& topology, const CellState& cell,
                                          NodeSet usable, const NodeCapacity& capacity) {
    std::optional<NodeLimits> limits;
    for (std::size_t n = 0; n < topology.nodes.size(); ++n) {
        const HostNode& node = topology.nodes[n];
        const Bytes bytes = capacity.memory(NodeIndex(n), cell.huge_page);
        if (!usable.contains(NodeIndex(n)) || bytes <= 0) continue;
        const ShardLimits own{static_cast<std::size_t>(node.cpus), bytes,
                              usable_cores(topology, cell, NodeIndex(n))};
        if (!limits) limits = {own, own};
        auto& [largest, smallest] = *limits;
        largest = {std::max(largest.vcpus, own.vcpus), std::max(largest.bytes, own.bytes),
                   std::max(largest.cpu_use, own.cpu_use)};
        smallest = {std::min(smallest.vcpus, own.vcpus), std::min(smallest.bytes, own.bytes),
                    std::min(smallest.cpu_use, own.cpu_use)};
    }
    return limits;
}

class Splitter {
  public:
    Splitter(const GuestState& guest, const CellState& cell, const Snapshot& snapshot,
             const NodeCapacity& capacity, const ShardHistory* former,
             const std::vector<std::optional<NodeIndex>>& homes)
        : use_(*guest.wide),
          cell_(cell),
          snapshot_(snapshot),
          capacity_(capacity),
          former_(former),
          homes_(homes),
          usable_(nodes_for_shards(snapshot.topology, cell.allowed)) {}

    std::optional<SplitGuest> run() const {
        if (usable_.size() < 2 || use_.vcpus() < 2) return std::nullopt;
        const auto limits = limits_of_nodes(snapshot_.topology, cell_, usable_, capacity_);
        if (!limits) return std::nullopt;
        SplitGuest guest = split(limits->largest);
        // Shards for the largest node do not help if only that node holds them, or if it is the
        // largest in one dimension only and no node holds some of them.
        if (nodes_used(guest).size() < 2 || homeless_shards(guest) > 0) {
            SplitGuest smaller = split(limits->smallest);
            if (nodes_used(guest).size() < 2 || homeless_shards(smaller) < homeless_shards(guest))
                guest = std::move(smaller);
        }
        if (guest.shards.size() < 2 || nodes_used(guest).size() < 2) return std::nullopt;
        return guest;
    }

  private:
    static std::ptrdiff_t homeless_shards(const SplitGuest& guest) {
        return std::count_if(guest.shards.begin(), guest.shards.end(),
                             [](const Shard& shard) { return shard.fits.empty(); });
    }

    static NodeSet nodes_used(const SplitGuest& guest) {
        NodeSet nodes;
        for (const Shard& shard : guest.shards)
            nodes = nodes | shard.fits;
        return nodes;
    }

    // More shards than nodes would have no more CPUs.
    std::size_t shards_by_use(ShardLimits limits) const {
        const MilliCpu most = std::max<MilliCpu>(limits.cpu_use, 1);
        return std::min(static_cast<std::size_t>((use_of_vcpus(cell_) + most - 1) / most),
                        static_cast<std::size_t>(usable_.size()));
    }

    SplitGuest split(ShardLimits limits) const {
        const std::size_t by_vcpus = (use_.vcpus() + limits.vcpus - 1) / limits.vcpus;
        const auto by_bytes =
            static_cast<std::size_t>((full_bytes(cell_) + limits.bytes - 1) / limits.bytes);
        SplitGuest guest;
        Partition& partition = guest.split.partition;
        partition = choose_partition(use_, std::max({by_vcpus, by_bytes, shards_by_use(limits)}),
                                     limits, former_, homes_, snapshot_.now);
        guest.split.ownership = ownership_of(use_, partition);
        if (former_ && partition == former_->partition && could_improve(use_, partition))
            guest.next_check = until_next_check(*former_, snapshot_.now);
        for (std::size_t s = 0; s < partition.size(); ++s) {
            CellState cell = shard_cell(cell_, use_, guest.split, s);
            const NodeSet fits =
                usable_ & capacity_.nodes_that_hold(cell.vcpus, full_bytes(cell), cell.huge_page);
            guest.shards.push_back({std::move(cell), fits});
        }
        return guest;
    }

    const WideUse& use_;
    const CellState& cell_;
    const Snapshot& snapshot_;
    const NodeCapacity& capacity_;
    const ShardHistory* former_;
    const std::vector<std::optional<NodeIndex>>& homes_;
    const NodeSet usable_;
};

}  // namespace

Millis reshard_cool_down(const ShardHistory& shards) {
    return shards.changes == 0 ? 0 : reshard_interval << shards.changes;
}

bool is_busier_than_nodes(const Topology& topology, const CellState& cell, NodeSet nodes,
                          PerMille share) {
    MilliCpu most = 0;
    for (std::size_t n = 0; n < topology.nodes.size(); ++n)
        if (nodes.contains(NodeIndex(n)))
            most = std::max(most, usable_cores(topology, cell, NodeIndex(n)));
    return use_of_vcpus(cell) > most * share / 1000;
}

NodeSet nodes_for_shards(const Topology& topology, NodeSet allowed) {
    NodeSet nodes;
    for (std::size_t n = 0; n < topology.nodes.size(); ++n)
        if (allowed.contains(NodeIndex(n)) && topology.nodes[n].cpus > 0 &&
            topology.nodes[memory_node(topology, NodeIndex(n))].memory_total > 0)
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
                                            const ShardHistory* former,
                                            const std::vector<std::optional<NodeIndex>>& homes) {
    if (!is_access_matrix_known(guest)) return std::nullopt;
    return Splitter(guest, cell, snapshot, capacity, former, homes).run();
}

}  // namespace vnuma
