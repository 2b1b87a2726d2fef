// Numbers and identifiers of the planner. All are integers, so that the same input gives the same
// plan on every machine.
#pragma once

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

namespace vnuma {

using Bytes = std::int64_t;
using Millis = std::int64_t;    // milliseconds; points in time are on a monotonic clock
using MilliCpu = std::int64_t;  // thousandths of one CPU
using PerMille = std::int64_t;
using Cost = std::int64_t;  // CPU milliseconds lost over the planner's horizon

inline constexpr Bytes mib = Bytes{1} << 20;
inline constexpr std::size_t max_host_nodes = 64;
inline constexpr std::size_t max_cpu_pools = 128;  // of a host; Topology::pools

// Index of a host node in Topology::nodes, as opposed to the kernel's number, HostNode::id.
struct NodeIndex {
    std::uint8_t value = 0;

    constexpr NodeIndex() = default;
    explicit constexpr NodeIndex(std::size_t index) : value(static_cast<std::uint8_t>(index)) {}
    constexpr operator std::size_t() const { return value; }
    friend constexpr auto operator<=>(NodeIndex a, NodeIndex b) { return a.value <=> b.value; }
    friend constexpr bool operator==(NodeIndex a, NodeIndex b) { return a.value == b.value; }
};

class NodeSet {
  public:
    constexpr NodeSet() = default;
    static constexpr NodeSet first(std::size_t count) {
        NodeSet set;
        set.bits_ = count >= max_host_nodes ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
        return set;
    }
    static constexpr NodeSet only(NodeIndex node) {
        NodeSet set;
        set.insert(node);
        return set;
    }
    constexpr void insert(NodeIndex node) { bits_ |= std::uint64_t{1} << node.value; }
    constexpr void erase(NodeIndex node) { bits_ &= ~(std::uint64_t{1} << node.value); }
    constexpr bool contains(NodeIndex node) const { return bits_ >> node.value & 1; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr int size() const { return std::popcount(bits_); }
    friend constexpr NodeSet operator&(NodeSet a, NodeSet b) {
        a.bits_ &= b.bits_;
        return a;
    }
    friend constexpr NodeSet operator|(NodeSet a, NodeSet b) {
        a.bits_ |= b.bits_;
        return a;
    }
    friend constexpr bool operator==(NodeSet, NodeSet) = default;

  private:
    std::uint64_t bits_ = 0;
};

// Identifies a cell of a guest, or a shard of a cell, for as long as the domain exists. A guest
// without vNUMA has only cell 0. If the only cell of a guest fits no node, shards of it are placed.
struct CellKey {
    static constexpr int whole = -1;

    std::string uuid;
    int cell = 0;
    int shard = whole;

    friend auto operator<=>(const CellKey&, const CellKey&) = default;
};

}  // namespace vnuma
