#include "guests/chunks.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <stdexcept>
#include <utility>

namespace vnuma {
namespace {

constexpr bool is_node(int node) {
    return node >= 0 && node <= max_node_id;
}

std::size_t chunks_of(const RamRange& range) {
    return range.size / chunk_bytes + (range.size % chunk_bytes != 0 ? 1 : 0);
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

ChunkTable::ChunkTable(std::vector<RamRange> ranges) : ranges_(std::move(ranges)) {
    std::size_t chunks = 0;
    for (const RamRange& range : ranges_) {
        first_chunks_.push_back(chunks);
        chunks += chunks_of(range);
        if (chunks_of(range) > max_chunks || chunks > max_chunks ||
            range.start + range.size < range.start)
            throw std::length_error("more memory than one cell can have");
    }
    entries_.resize(chunks);
    counts_[static_cast<std::size_t>(Learnt::never)] = chunks;
}

void ChunkTable::change_ranges(std::vector<RamRange> ranges) {
    const auto same = [](const RamRange& a, const RamRange& b) {
        return a.start == b.start && a.size == b.size;
    };
    if (std::equal(ranges.begin(), ranges.end(), ranges_.begin(), ranges_.end(), same)) return;
    ChunkTable next(std::move(ranges));
    for (std::size_t chunk = 0; chunk < next.size();) {
        const RestOfRange to = next.rest_of_range(chunk);
        const std::size_t chunks = chunks_of({to.address, to.bytes});
        for (std::size_t i = 0; i < ranges_.size(); ++i) {
            const RamRange& from = ranges_[i];
            const std::uint64_t start = std::max(from.start, to.address);
            const std::uint64_t end = std::min(from.start + from.size, to.address + to.bytes);
            if (start >= end || (from.start - to.address) % chunk_bytes != 0) continue;
            std::size_t old = first_chunks_[i] + (start - from.start) / chunk_bytes;
            std::size_t now = chunk + (start - to.address) / chunk_bytes;
            for (std::uint64_t at = start; at < end; at += chunk_bytes, ++old, ++now) {
                const std::uint64_t was = std::min(chunk_bytes, from.start + from.size - at);
                const std::uint64_t is = std::min(chunk_bytes, to.address + to.bytes - at);
                if (was == is) next.store(now, this->at(old));
            }
        }
        chunk += chunks;
    }
    *this = std::move(next);
}

RestOfRange ChunkTable::rest_of_range(std::size_t chunk) const {
    assert(chunk < size());
    // The last range that begins here or before; empty ranges begin where the next one does.
    const auto after = std::upper_bound(first_chunks_.begin(), first_chunks_.end(), chunk);
    const auto range = static_cast<std::size_t>(after - first_chunks_.begin()) - 1;
    const std::uint64_t offset = (chunk - first_chunks_[range]) * chunk_bytes;
    return {range, ranges_[range].start + offset, ranges_[range].size - offset};
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
    return sizeof(*this) + entries_.capacity() * sizeof(Entry) +
           ranges_.capacity() * sizeof(RamRange) + first_chunks_.capacity() * sizeof(std::size_t) +
           totals_.capacity() * sizeof(NodeTotal);
}

}  // namespace vnuma
