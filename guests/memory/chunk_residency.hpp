// What is known of a cell's memory, for each 2 MiB of it: which host nodes hold its pages. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "guests/memory/chunk_grid.hpp"

namespace vnuma {

inline constexpr std::uint64_t small_page_bytes = 4096;
inline constexpr std::uint64_t chunk_bytes = 2 * 1024 * 1024;
inline constexpr int pages_in_chunk = static_cast<int>(chunk_bytes / small_page_bytes);
inline constexpr int max_node_id = 1023;                    // of any kernel (NODES_SHIFT 10)
inline constexpr std::size_t max_chunks = 8 * 1024 * 1024;  // of one cell: 16 TiB, 64 MiB held

enum class Learnt { never, sampled, exact };  // sampled: one page stood for all of its chunk

// The pages of one chunk, in units of 4 KiB, by the kernel's node numbers. Most are on `node`
// (the lower number of two equal ones), the others are counted for `other_node`: pages of a third
// node too, so that the sum stays right. Pages that are not there are counted nowhere.
struct ChunkPages {
    int node = 0, pages = 0;
    int other_node = 0, other_pages = 0;
    Learnt learnt = Learnt::never;

    bool operator==(const ChunkPages&) const = default;
};

// Each of `nodes` (at most pages_in_chunk) stands for `pages_each` pages; below 0 and above
// max_node_id there is no page.
ChunkPages count_pages(std::span<const int> nodes, int pages_each, Learnt learnt);

// The chunks of one cell, 8 bytes for each.
class ChunkTable {
  public:
    ChunkTable() = default;
    // Throws std::length_error beyond max_chunks, or for a range beyond the address space.
    explicit ChunkTable(std::vector<RamRange> ranges);

    // Keeps what is known of chunks that begin and end where one did before.
    void change_ranges(std::vector<RamRange> ranges);

    std::size_t size() const { return entries_.size(); }
    const ChunkGrid& grid() const { return grid_; }

    ChunkPages at(std::size_t chunk) const;
    // `pages` sum up to no more than the chunk has. Its cost depends on nothing but the number of
    // nodes in use.
    void store(std::size_t chunk, const ChunkPages& pages);

    // Of all chunks together, at any time; nodes that hold nothing are left out.
    std::map<int, std::int64_t> bytes_by_node() const;
    std::size_t count(Learnt learnt) const { return counts_[static_cast<std::size_t>(learnt)]; }
    // Chunks with pages on more than one node.
    std::size_t split() const { return split_; }

    std::size_t bytes_held() const;

  private:
    struct Entry {
        std::uint64_t node : 10 = 0, pages : 10 = 0, other_node : 10 = 0, other_pages : 10 = 0;
        std::uint64_t learnt : 2 = 0;
    };
    static_assert(sizeof(Entry) == 8);
    struct NodeTotal {
        int node = 0;
        std::int64_t pages = 0;
    };

    void add(int node, std::int64_t pages);

    ChunkGrid grid_;
    std::vector<Entry> entries_;
    std::vector<NodeTotal> totals_;        // few: a host has a handful of nodes
    std::array<std::size_t, 3> counts_{};  // of chunks, by how they were learnt
    std::size_t split_ = 0;
};

}  // namespace vnuma
