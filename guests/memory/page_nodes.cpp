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
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

constexpr int no_page = -1;
// Entries that are judged together if they can be.
constexpr std::size_t block = 64;

int node_of_entry(const PageFrameTable& table, std::uint64_t entry) {
    const auto pfn = page_frame_of(entry);
    return pfn ? table.node_of(*pfn) : no_page;
}

// Two entries at a time; compilers do not find this by themselves at -O2, and for huge pages it is
// a good part of what a page costs.
using Pair = std::uint64_t __attribute__((vector_size(16)));

// The node of all of a block's pages at once, if the smallest aligned power of two of pages that
// holds them lies in one range: for neighbours it mostly does, and no page is looked up by itself.
std::optional<int> node_of_block(const PageFrameTable& table, const std::uint64_t* entries) {
    Pair every = ~Pair{}, any{};
    for (std::size_t i = 0; i < block; i += 2) {
        Pair pair;
        std::memcpy(&pair, entries + i, sizeof(pair));
        every &= pair;
        any |= pair;
    }
    const std::uint64_t all = every[0] & every[1], some = any[0] | any[1], differ = all ^ some;
    if ((some & pagemap_present) == 0) return no_page;
    if ((all & pagemap_present) == 0) return std::nullopt;
    std::uint64_t below = differ & pagemap_pfn;
    for (const int shift : {1, 2, 4, 8, 16, 32})
        below |= below >> shift;
    const std::uint64_t first = all & pagemap_pfn & ~below;
    const PageFrameRange* range = table.find(first);
    if (!range || range->count - (first - range->start) <= below) return std::nullopt;
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
    if (::move_pages(pid, addresses.size(), addresses.data(), nullptr, nodes.data(), 0) < 0)
        return {errno, std::generic_category()};
    return {};
}

MovePagesReader::MovePagesReader() : addresses_(max_pages_asked) {}

PagesRead MovePagesReader::page_nodes(const Process& process, std::uint64_t start,
                                      std::uint64_t stride, std::span<int> nodes) {
    assert(nodes.size() <= max_pages_asked);
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
    : table_(std::move(table)), entries_(max_pages_asked) {}

PagesRead PagemapReader::page_nodes(const Process& process, std::uint64_t start,
                                    std::uint64_t stride, std::span<int> nodes) {
    assert(nodes.size() <= max_pages_asked);
    if (!pagemap_ || !pagemap_->is_of(process)) pagemap_ = Pagemap::open(process);
    if (!pagemap_) return {1, true};
    const std::span<std::uint64_t> entries(entries_.data(), nodes.size());
    // Neighbours are read in one call, pages that are apart in a call each.
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

Way choose_way(const std::string& no_pfns, const std::string& no_table) {
    if (!no_pfns.empty()) return {false, "move_pages: " + no_pfns};
    if (!no_table.empty()) return {false, "move_pages: " + no_table};
    return {true, "pagemap: physical pages and their nodes can be read"};
}

}  // namespace vnuma
