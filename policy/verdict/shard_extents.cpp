#include "policy/verdict/shard_extents.hpp"

#include <algorithm>

namespace vnuma {
namespace {

std::size_t shard_of(const CellState& cell) {
    return static_cast<std::size_t>(cell.key.shard);
}

}  // namespace

ShardExtents::ShardExtents(const Placement& placement, const std::map<std::string, Split>& splits)
    : placement_(placement), splits_(splits) {
    for (std::size_t pool = 0; pool < placement.pool_count(); ++pool)
        for (std::size_t n = 0; n < placement.node_count(); ++n)
            room_[{pool, NodeIndex(n)}] = placement.room(NodeIndex(n), pool);
}

std::vector<std::size_t> ShardExtents::choose(std::size_t unit, const Unit::Part& part) {
    const NodeIndex home = *placement_.home(unit);
    const Ownership& ownership = split_of(part).ownership;
    const std::vector<bool> here = shards_with_home(part, home);
    // A shard is the only part of its unit.
    const NodeIndex memory = placement_.memory_of(home);
    Bytes& room = room_.at({placement_.parts(unit).front().pool, memory});
    std::vector<std::size_t> chosen;
    for (std::size_t e = 0; e < ownership.owner.size(); ++e) {
        if (ownership.owner[e] != shard_of(*part.cell)) continue;
        std::uint64_t all = 0, local = 0;
        for (std::size_t s = 0; s < here.size(); ++s) {
            all += ownership.accesses[s][e];
            local += here[s] ? ownership.accesses[s][e] : 0;
        }
        if (!is_private_share(local, all)) continue;
        const Bytes shared = shared_away(part, memory, e);
        if (shared > std::max<Bytes>(room, 0)) continue;
        room -= shared;
        chosen.push_back(e);
    }
    return chosen;
}

std::vector<bool> ShardExtents::shards_with_home(const Unit::Part& part, NodeIndex home) const {
    std::vector<bool> here(split_of(part).partition.size());
    for (std::size_t i = 0; i < placement_.units().size(); ++i) {
        const CellState& cell = *placement_.units()[i].parts.front().cell;
        if (cell.key.uuid == part.cell->key.uuid && cell.key.shard != CellKey::whole)
            here[shard_of(cell)] = placement_.home(i) == home;
    }
    return here;
}

Bytes ShardExtents::shared_away(const Unit::Part& part, NodeIndex node, std::size_t extent) const {
    if (is_private_to(split_of(part).ownership, extent, shard_of(*part.cell))) return 0;
    const std::vector<Bytes>& shared = part.guest->wide->shared[extent];
    Bytes away = 0;
    for (std::size_t n = 0; n < part.cell->residency.size(); ++n)
        if (NodeIndex(n) != node) away += shared[n];
    return away;
}

Bytes ShardExtents::shared_away(const Unit::Part& part, NodeIndex node,
                                const std::vector<std::size_t>& extents) const {
    Bytes away = 0;
    for (const std::size_t extent : extents)
        away += shared_away(part, node, extent);
    return away;
}

}  // namespace vnuma
