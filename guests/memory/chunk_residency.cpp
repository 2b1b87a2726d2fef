#include "guests/memory/chunk_residency.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace vnuma {
namespace {

constexpr bool is_node(int node) {
    return node >= 0 && node <= max_node_id;
}

// Compares blocks of a constant size without an early exit, so that the compiler uses SIMD
// instructions. This is a good part of the cost of a page.
bool all_equal(std::span<const int> nodes) {
    constexpr std::size_t block = 32;
    int differs = 0;
    for (; nodes.size() > block; nodes = nodes.subspan(block))
        for (std::size_t i = 0; i < block; ++i)
            differs |= nodes[i] ^ nodes[block];
    for (const int node : nodes)
        differs |= node ^ nodes.front();
    return differs == 0;
}

struct NodeCount {
    int node = 0, count = 0;
};

// Runs of pages on one node are long and nodes are few, so a linear search at the begin of each run
// is cheap enough.
ChunkPages count_mixed(std::span<const int> nodes, int pages_each, Knowledge knowledge) {
    std::array<NodeCount, pages_in_chunk> counts;
    std::size_t used = 0, at = 0;
    int counted = 0;
    for (const int node : nodes.first(std::min(nodes.size(), counts.size()))) {
        if (!is_node(node)) continue;
        ++counted;
        if (at >= used || counts[at].node != node)
            for (at = 0; at < used && counts[at].node != node; ++at) {
            }
        if (at == used) counts[used++] = {node, 0};
        ++counts[at].count;
    }
    const auto more = [](const NodeCount& a, const NodeCount& b) {
        return a.count != b.count ? a.count > b.count : a.node < b.node;
    };
    const std::size_t top = std::min<std::size_t>(used, 2);
    std::partial_sort(counts.begin(), counts.begin() + top, counts.begin() + used, more);
    ChunkPages pages{0, 0, 0, 0, knowledge};
    if (used > 0) pages.node = counts[0].node, pages.pages = counts[0].count * pages_each;
    if (used > 1) pages.other_node = counts[1].node;
    pages.other_pages = counted * pages_each - pages.pages;
    return pages;
}

}  // namespace

ChunkPages count_pages(std::span<const int> nodes, int pages_each, Knowledge knowledge) {
    if (nodes.empty() || !all_equal(nodes)) return count_mixed(nodes, pages_each, knowledge);
    if (!is_node(nodes.front())) return {0, 0, 0, 0, knowledge};
    return {nodes.front(), static_cast<int>(nodes.size()) * pages_each, 0, 0, knowledge};
}

ChunkResidency::ChunkResidency(std::vector<RamRange> ranges)
    : grid_(std::move(ranges), chunk_bytes, max_chunks), entries_(grid_.size()) {
    counts_[static_cast<std::size_t>(Knowledge::none)] = grid_.size();
}

void ChunkResidency::change_ranges(std::vector<RamRange> ranges) {
    if (ranges == grid_.ranges()) return;
    ChunkResidency next(std::move(ranges));
    for_each_common_chunk(grid_, next.grid_,
                          [&](std::size_t from, std::size_t to) { next.store(to, at(from)); });
    *this = std::move(next);
}

ChunkPages ChunkResidency::at(std::size_t chunk) const {
    const Entry& entry = entries_[chunk];
    return {static_cast<int>(entry.node), static_cast<int>(entry.pages),
            static_cast<int>(entry.other_node), static_cast<int>(entry.other_pages),
            static_cast<Knowledge>(entry.knowledge)};
}

void ChunkResidency::store(std::size_t chunk, const ChunkPages& pages) {
    assert(chunk < size());
    assert(is_node(pages.node) && is_node(pages.other_node));
    assert(pages.pages >= 0 && pages.other_pages >= 0);
    assert(pages.pages + pages.other_pages <= pages_in_chunk);
    Entry& entry = entries_[chunk];
    const ChunkPages before = at(chunk);
    add(before.node, -before.pages);
    add(before.other_node, -before.other_pages);
    --counts_[static_cast<std::size_t>(before.knowledge)];
    on_several_nodes_ -= before.other_pages > 0 ? 1 : 0;
    entry.node = static_cast<unsigned>(pages.node);
    entry.pages = static_cast<unsigned>(pages.pages);
    entry.other_node = static_cast<unsigned>(pages.other_node);
    entry.other_pages = static_cast<unsigned>(pages.other_pages);
    entry.knowledge = static_cast<unsigned>(pages.knowledge);
    add(pages.node, pages.pages);
    add(pages.other_node, pages.other_pages);
    ++counts_[static_cast<std::size_t>(pages.knowledge)];
    on_several_nodes_ += pages.other_pages > 0 ? 1 : 0;
}

void ChunkResidency::add(int node, std::int64_t pages) {
    if (pages == 0) return;
    for (NodeTotal& total : totals_) {
        if (total.node != node) continue;
        total.pages += pages;
        return;
    }
    totals_.push_back({node, pages});
}

std::map<int, std::int64_t> ChunkResidency::bytes_by_node() const {
    std::map<int, std::int64_t> bytes;
    for (const NodeTotal& total : totals_)
        if (total.pages != 0)
            bytes[total.node] = total.pages * static_cast<std::int64_t>(small_page_bytes);
    return bytes;
}

std::size_t ChunkResidency::bytes_held() const {
    return sizeof(*this) + entries_.capacity() * sizeof(Entry) + grid_.bytes_held() +
           totals_.capacity() * sizeof(NodeTotal);
}

}  // namespace vnuma
