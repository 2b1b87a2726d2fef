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

// Without an early exit and by a constant count, for which the compiler uses wide instructions:
// this is a good part of what one page costs.
bool all_alike(std::span<const int> nodes) {
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

// Runs of one node are long, and nodes few; a search for each new run is cheap enough.
ChunkPages count_mixed(std::span<const int> nodes, int pages_each, Learnt learnt) {
    std::array<NodeCount, pages_in_chunk> counts;
    std::size_t used = 0, at = 0;
    int sum = 0;
    for (const int node : nodes.first(std::min(nodes.size(), counts.size()))) {
        if (!is_node(node)) continue;
        ++sum;
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
    ChunkPages pages{0, 0, 0, 0, learnt};
    if (used > 0) pages.node = counts[0].node, pages.pages = counts[0].count * pages_each;
    if (used > 1) pages.other_node = counts[1].node;
    pages.other_pages = sum * pages_each - pages.pages;
    return pages;
}

}  // namespace

ChunkPages count_pages(std::span<const int> nodes, int pages_each, Learnt learnt) {
    if (nodes.empty() || !all_alike(nodes)) return count_mixed(nodes, pages_each, learnt);
    if (!is_node(nodes.front())) return {0, 0, 0, 0, learnt};
    return {nodes.front(), static_cast<int>(nodes.size()) * pages_each, 0, 0, learnt};
}

ChunkTable::ChunkTable(std::vector<RamRange> ranges)
    : grid_(std::move(ranges), chunk_bytes, max_chunks), entries_(grid_.size()) {
    counts_[static_cast<std::size_t>(Learnt::never)] = grid_.size();
}

void ChunkTable::change_ranges(std::vector<RamRange> ranges) {
    if (ranges == grid_.ranges()) return;
    ChunkTable next(std::move(ranges));
    for_same_chunks(grid_, next.grid_,
                    [&](std::size_t from, std::size_t to) { next.store(to, at(from)); });
    *this = std::move(next);
}

ChunkPages ChunkTable::at(std::size_t chunk) const {
    const Entry& entry = entries_[chunk];
    return {static_cast<int>(entry.node), static_cast<int>(entry.pages),
            static_cast<int>(entry.other_node), static_cast<int>(entry.other_pages),
            static_cast<Learnt>(entry.learnt)};
}

void ChunkTable::store(std::size_t chunk, const ChunkPages& pages) {
    assert(chunk < size());
    assert(is_node(pages.node) && is_node(pages.other_node));
    assert(pages.pages >= 0 && pages.other_pages >= 0);
    assert(pages.pages + pages.other_pages <= pages_in_chunk);
    Entry& entry = entries_[chunk];
    const ChunkPages before = at(chunk);
    add(before.node, -before.pages);
    add(before.other_node, -before.other_pages);
    --counts_[static_cast<std::size_t>(before.learnt)];
    split_ -= before.other_pages > 0 ? 1 : 0;
    entry.node = static_cast<unsigned>(pages.node);
    entry.pages = static_cast<unsigned>(pages.pages);
    entry.other_node = static_cast<unsigned>(pages.other_node);
    entry.other_pages = static_cast<unsigned>(pages.other_pages);
    entry.learnt = static_cast<unsigned>(pages.learnt);
    add(pages.node, pages.pages);
    add(pages.other_node, pages.other_pages);
    ++counts_[static_cast<std::size_t>(pages.learnt)];
    split_ += pages.other_pages > 0 ? 1 : 0;
}

void ChunkTable::add(int node, std::int64_t pages) {
    if (pages == 0) return;
    for (NodeTotal& total : totals_) {
        if (total.node != node) continue;
        total.pages += pages;
        return;
    }
    totals_.push_back({node, pages});
}

std::map<int, std::int64_t> ChunkTable::bytes_by_node() const {
    std::map<int, std::int64_t> bytes;
    for (const NodeTotal& total : totals_)
        if (total.pages != 0)
            bytes[total.node] = total.pages * static_cast<std::int64_t>(small_page_bytes);
    return bytes;
}

std::size_t ChunkTable::bytes_held() const {
    return sizeof(*this) + entries_.capacity() * sizeof(Entry) + grid_.bytes_held() +
           totals_.capacity() * sizeof(NodeTotal);
}

}  // namespace vnuma
