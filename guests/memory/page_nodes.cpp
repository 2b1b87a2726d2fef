#include "guests/memory/page_nodes.hpp"

#include <numaif.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/read_page_frame_table.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

constexpr int no_page = -1;
// Number of entries whose node is looked up at once if possible.
constexpr std::size_t block = 64;

int node_of_entry(const PageFrameTable& table, std::uint64_t entry) {
    const auto pfn = page_frame_of(entry);
    return pfn ? table.node_of(*pfn) : no_page;
}

// Two entries in a SIMD register. Compilers do not vectorise the loop below at -O2, and for huge
// pages that loop is a good part of the cost of a page.
using Pair = std::uint64_t __attribute__((vector_size(16)));

// The node of all pages of a block. It is known if the smallest naturally aligned power-of-two
// range of page frames that holds all of them lies in one range of the table. That is so for most
// blocks, since consecutive pages mostly have nearby frames. Nothing if each page has to be looked
// up.
std::optional<int> node_of_block(const PageFrameTable& table, const std::uint64_t* entries) {
    Pair and_pair = ~Pair{}, or_pair{};
    for (std::size_t i = 0; i < block; i += 2) {
        Pair pair;
        std::memcpy(&pair, entries + i, sizeof(pair));
        and_pair &= pair;
        or_pair |= pair;
    }
    const std::uint64_t in_all = and_pair[0] & and_pair[1], in_any = or_pair[0] | or_pair[1];
    if ((in_any & pagemap_present) == 0) return no_page;
    if ((in_all & pagemap_present) == 0) return std::nullopt;
    // All bits from the highest one in which frame numbers differ down to bit 0.
    std::uint64_t mask = (in_all ^ in_any) & pagemap_pfn;
    for (const int shift : {1, 2, 4, 8, 16, 32})
        mask |= mask >> shift;
    const std::uint64_t first = in_all & pagemap_pfn & ~mask;
    const PageFrameRange* range = table.find(first);
    if (!range || range->count - (first - range->start) <= mask) return std::nullopt;
    return range->node;
}

}  // namespace

void nodes_of_entries(const PageFrameTable& table, std::span<const std::uint64_t> entries,
                      std::span<int> nodes) {
    assert(entries.size() == nodes.size());
    std::size_t i = 0;
    for (; i + block <= entries.size(); i += block) {
        if (const auto node = node_of_block(table, entries.data() + i)) {
            std::fill_n(nodes.begin() + static_cast<std::ptrdiff_t>(i), block, *node);
            continue;
        }
        for (std::size_t j = i; j < i + block; ++j)
            nodes[j] = node_of_entry(table, entries[j]);
    }
    for (; i < entries.size(); ++i)
        nodes[i] = node_of_entry(table, entries[i]);
}

std::error_code query_page_nodes(pid_t pid, std::span<void*> addresses, std::span<int> nodes) {
    assert(addresses.size() == nodes.size());
    const long result =
        ::move_pages(pid, addresses.size(), addresses.data(), nullptr, nodes.data(), 0);
    if (result < 0) return {errno, std::generic_category()};
    // A question has no pages that could stay behind: who says so has not written the answer.
    if (result > 0) return {EIO, std::generic_category()};
    return {};
}

MovePagesReader::MovePagesReader() : addresses_(max_pages_per_read) {}

PagesRead MovePagesReader::read_nodes(const Process& process, std::uint64_t start,
                                      std::uint64_t stride, std::span<int> nodes) {
    assert(nodes.size() <= max_pages_per_read);
    for (std::size_t i = 0; i < nodes.size(); ++i)
        addresses_[i] = reinterpret_cast<void*>(start + i * stride);
    const std::error_code refused =
        query_page_nodes(process.pid(), std::span(addresses_).first(nodes.size()), nodes);
    // The kernel finds the process by its id. A process that is still alive had this id during the
    // call, so the answer is of that process.
    if (!process.alive()) return {1, true};
    if (refused) throw std::system_error(refused, "move_pages");
    return {1, false};
}

PagemapReader::PagemapReader(PageFrameTable table)
    : table_(std::move(table)), entries_(max_pages_per_read) {}

PagesRead PagemapReader::read_nodes(const Process& process, std::uint64_t start,
                                    std::uint64_t stride, std::span<int> nodes) {
    assert(nodes.size() <= max_pages_per_read);
    if (!pagemap_ || !pagemap_->is_of(process)) pagemap_ = Pagemap::open(process);
    if (!pagemap_) return {1, true};
    const std::span<std::uint64_t> entries(entries_.data(), nodes.size());
    // Consecutive pages are read in one call, others in a call each.
    const std::size_t pages_in_call =
        stride == small_page_bytes ? std::max<std::size_t>(nodes.size(), 1) : 1;
    PagesRead read;
    for (std::size_t i = 0; i < entries.size() && !read.gone; i += pages_in_call, ++read.calls)
        read.gone = !pagemap_->read(process, start + i * stride, entries.subspan(i, pages_in_call));
    if (read.gone)
        pagemap_.reset();
    else
        nodes_of_entries(table_, entries, nodes);
    return read;
}

std::unique_ptr<PagemapReader> make_pagemap_reader(std::string& why) {
    why = probe_page_frames();
    auto table = why.empty() ? read_page_frame_table(why) : std::nullopt;
    return table ? std::make_unique<PagemapReader>(std::move(*table)) : nullptr;
}

}  // namespace vnuma
