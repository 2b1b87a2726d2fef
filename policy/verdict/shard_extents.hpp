// Which memory that several shards access moves with a shard to its home. Pure.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "policy/search/placement.hpp"
#include "policy/units/split.hpp"

namespace vnuma {

// Call after the search. The arguments of the constructor must outlive it.
class ShardExtents {
  public:
    ShardExtents(const Placement& placement, const std::map<std::string, Split>& splits);

    // Extents that go to the home of a shard: it accesses them most, and all shards that access
    // them have the same home. An extent that is accessed from another node stays where it is, so
    // that it does not move to and fro. The placement does not count memory of extents that several
    // shards access, so these extents need room of their own. Those that are chosen use it up.
    std::vector<std::size_t> choose(std::size_t unit, const Unit::Part& part);

    // Bytes of these extents that are not on the node and do not belong to one shard alone.
    Bytes shared_away(const Unit::Part& part, NodeIndex node,
                      const std::vector<std::size_t>& extents) const;

  private:
    const Split& split_of(const Unit::Part& part) const { return splits_.at(part.cell->key.uuid); }
    std::vector<bool> shards_with_home(const Unit::Part& part, NodeIndex home) const;
    Bytes shared_away(const Unit::Part& part, NodeIndex node, std::size_t extent) const;

    const Placement& placement_;
    const std::map<std::string, Split>& splits_;               // by uuid
    std::map<std::pair<std::size_t, NodeIndex>, Bytes> room_;  // left, by pool and node
};

}  // namespace vnuma
