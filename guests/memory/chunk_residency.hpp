// The residency of one cell's RAM, kept for each chunk of 2 MiB. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "guests/memory/chunk_grid.hpp"
#include "guests/model/ram.hpp"

namespace vnuma {

inline constexpr std::uint64_t small_page_bytes = 4096;
inline constexpr std::uint64_t chunk_bytes = 2 * 1024 * 1024;
inline constexpr int pages_in_chunk = static_cast<int>(chunk_bytes / small_page_bytes);
// The highest node number of any kernel: the limit of NODES_SHIFT is 10.
inline constexpr int max_node_id = 1023;
// Limit of the chunks of one cell: 16 TiB of RAM, for which 64 MiB are held.
inline constexpr std::size_t max_chunks = 8 * 1024 * 1024;

// How well the residency of a chunk is known.
enum class Knowledge {
    none,
    sampled,  // one page was read, and its node is assumed for the whole chunk
    exact,    // every page was read
};

// Where the pages of one chunk are. Counts are in small pages, nodes have the kernel's numbers.
// Pages that are not in memory are not counted.
struct ChunkPages {
    int node = 0, pages = 0;  // node with the most pages; of equal nodes the lowest number
    // Node with the second most pages. `other_pages` includes the pages on all further nodes, so
    // that the total is right.
    int other_node = 0, other_pages = 0;
    Knowledge knowledge = Knowledge::none;

    bool operator==(const ChunkPages&) const = default;
};

// Counts the pages of a chunk by node. Each of `nodes`, at most pages_in_chunk, is the node of
// `pages_each` pages. A number below 0 or above max_node_id stands for pages that are not in
// memory.
ChunkPages count_pages(std::span<const int> nodes, int pages_each, Knowledge knowledge);

// The chunks of one cell. Holds 8 bytes for each.
class ChunkResidency {
  public:
    ChunkResidency() = default;
    // Throws std::length_error if the ranges have more than max_chunks chunks, or if one ends
    // beyond the address space.
    explicit ChunkResidency(std::vector<RamRange> ranges);

    // Replaces the ranges and keeps what is known of each chunk whose bounds stay the same. Throws
    // as the constructor does, and is then unchanged.
    void change_ranges(std::vector<RamRange> ranges);

    std::size_t size() const { return entries_.size(); }  // number of chunks
    const ChunkGrid& grid() const { return grid_; }

    ChunkPages at(std::size_t chunk) const;
    // Replaces what is known of a chunk. The pages must sum up to at most pages_in_chunk. The cost
    // depends only on the number of nodes in use.
    void store(std::size_t chunk, const ChunkPages& pages);

    // Bytes of all chunks by node; nodes without any are left out. Sums are kept by store(), so the
    // cost does not depend on the number of chunks.
    std::map<int, std::int64_t> bytes_by_node() const;
    // Number of chunks that are known this well.
    std::size_t count(Knowledge knowledge) const {
        return counts_[static_cast<std::size_t>(knowledge)];
    }
    // Number of chunks with pages on more than one node.
    std::size_t chunks_on_several_nodes() const { return on_several_nodes_; }

    // Memory of this object and what it allocated, bytes.
    std::size_t bytes_held() const;

  private:
    // ChunkPages in 8 bytes.
    struct Entry {
        std::uint64_t node : 10 = 0, pages : 10 = 0, other_node : 10 = 0, other_pages : 10 = 0;
        std::uint64_t knowledge : 2 = 0;
    };
    static_assert(sizeof(Entry) == 8);
    struct NodeTotal {
        int node = 0;
        std::int64_t pages = 0;
    };

    void add(int node, std::int64_t pages);

    ChunkGrid grid_;
    std::vector<Entry> entries_;
    std::vector<NodeTotal> totals_;        // unsorted; a host has a handful of nodes
    std::array<std::size_t, 3> counts_{};  // number of chunks by Knowledge
    std::size_t on_several_nodes_ = 0;
};

}  // namespace vnuma
