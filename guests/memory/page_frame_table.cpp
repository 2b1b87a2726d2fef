#include "guests/memory/page_frame_table.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "guests/memory/chunk_residency.hpp"

namespace vnuma {
namespace {

// Number of page frames in 52 bits of physical address, the limit of x86-64.
constexpr std::uint64_t max_page_frames = std::uint64_t{1} << 40;

// Returns the first word of `line` and removes it.
std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(" \t"));
    line.remove_prefix(word.size());
    return word;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// The node of a zone's first line: "Node 0, zone   Normal".
std::optional<int> parse_zone_node(std::string_view line) {
    take_word(line);
    std::string_view number = take_word(line);
    if (number.ends_with(',')) number.remove_suffix(1);
    const auto node = parse_count(number);
    if (take_word(line) != "zone" || !node || *node > max_node_id) return std::nullopt;
    return static_cast<int>(*node);
}

// A zone of /proc/zoneinfo.
struct Zone {
    std::optional<int> node;
    std::optional<std::uint64_t> start;
    std::uint64_t spanned = 0, present = 0;

    void set(std::string_view key, std::uint64_t value) {
        if (key == "spanned") spanned = value;
        if (key == "present") present = value;
        if (key == "start_pfn:") start = value;
    }
    // A zone without present pages is left out. It may span page frames of other zones, and kernels
    // differ in whether they print its start.
    void append_to(std::vector<PageFrameRange>& ranges) const {
        if (node && start && spanned > 0 && present > 0) ranges.push_back({*start, spanned, *node});
    }
};

}  // namespace

std::optional<PageFrameTable> PageFrameTable::make(std::vector<PageFrameRange> ranges,
                                                   std::string& why) {
    PageFrameTable table;
    std::sort(ranges.begin(), ranges.end(),
              [](const PageFrameRange& a, const PageFrameRange& b) { return a.start < b.start; });
    for (const PageFrameRange& range : ranges) {
        if (range.count == 0) continue;
        if (range.start > max_page_frames || range.count > max_page_frames) {
            why = "a range of page frames is beyond 52 bits of physical address";
            return std::nullopt;
        }
        PageFrameRange* last = table.ranges_.empty() ? nullptr : &table.ranges_.back();
        const std::uint64_t end = range.start + range.count;
        if (!last || range.start > last->start + last->count ||
            (range.start == last->start + last->count && range.node != last->node)) {
            table.ranges_.push_back(range);
        } else if (range.node == last->node) {
            last->count = std::max(last->start + last->count, end) - last->start;
        } else {
            why = "the physical memory of nodes " + std::to_string(last->node) + " and " +
                  std::to_string(range.node) + " overlaps";
            return std::nullopt;
        }
    }
    table.remove(0, 1);
    if (table.ranges_.empty()) {
        why = "no node has physical memory";
        return std::nullopt;
    }
    if (table.ranges_.size() > max_page_frame_ranges) {
        why =
            "physical memory is in more than " + std::to_string(max_page_frame_ranges) + " ranges";
        return std::nullopt;
    }
    return table;
}

const PageFrameRange* PageFrameTable::find(std::uint64_t pfn) const {
    const auto after = std::upper_bound(
        ranges_.begin(), ranges_.end(), pfn,
        [](std::uint64_t value, const PageFrameRange& r) { return value < r.start; });
    if (after == ranges_.begin()) return nullptr;
    const PageFrameRange& range = *(after - 1);
    return pfn - range.start < range.count ? &range : nullptr;
}

int PageFrameTable::node_of(std::uint64_t pfn) const {
    const PageFrameRange* range = find(pfn);
    return range ? range->node : -1;
}

void PageFrameTable::remove(std::uint64_t start, std::uint64_t count) {
    std::vector<PageFrameRange> left;
    for (const PageFrameRange& range : ranges_) {
        const std::uint64_t end = range.start + range.count;
        const std::uint64_t from = std::clamp(start, range.start, end);
        const std::uint64_t to = std::clamp(start + count, from, end);
        if (from > range.start) left.push_back({range.start, from - range.start, range.node});
        if (end > to) left.push_back({to, end - to, range.node});
    }
    ranges_ = std::move(left);
}

std::optional<PageFrameTable> parse_zoneinfo(std::string_view text, std::string& why) {
    std::vector<PageFrameRange> ranges;
    Zone zone;
    while (!text.empty() && ranges.size() <= max_page_frame_ranges) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.starts_with("Node ")) {
            zone.append_to(ranges);
            zone = {parse_zone_node(line), std::nullopt, 0, 0};
            continue;
        }
        const std::string_view key = take_word(line);
        if (const auto value = parse_count(take_word(line))) zone.set(key, *value);
    }
    zone.append_to(ranges);
    return PageFrameTable::make(std::move(ranges), why);
}

std::optional<PageFrameTable> from_memory_blocks(std::uint64_t block_bytes,
                                                 const std::vector<MemoryBlock>& blocks,
                                                 std::string& why) {
    const std::uint64_t block_pages = block_bytes / small_page_bytes;
    if (block_pages == 0 || block_pages > max_page_frames) {
        why = "the size of memory blocks, " + std::to_string(block_bytes) + " bytes, is not valid";
        return std::nullopt;
    }
    std::vector<PageFrameRange> ranges;
    for (const MemoryBlock& block : blocks) {
        if (block.number > max_page_frames / block_pages || block.node < 0 ||
            block.node > max_node_id) {
            why = "memory block " + std::to_string(block.number) + " of node " +
                  std::to_string(block.node) + " is beyond the limits of the kernel";
            return std::nullopt;
        }
        ranges.push_back({block.number * block_pages, block_pages, block.node});
    }
    return PageFrameTable::make(std::move(ranges), why);
}

}  // namespace vnuma
