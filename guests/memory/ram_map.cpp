#include "guests/memory/ram_map.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace vnuma {
namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;
// Limit of the RAM and memory devices of a guest for which pc_layout() is certain.
constexpr std::uint64_t pc_layout_limit = 512 * gib;

// A RAM block that the domain has: a cell's own memory, or a memory device.
struct ExpectedBlock {
    int cell;
    std::uint64_t bytes;
    const MemoryDevice* device;  // null for a cell's own memory
    std::size_t cell_index;      // index of the cell in the domain
};

std::vector<ExpectedBlock> expected_blocks(const Domain& domain) {
    std::vector<ExpectedBlock> blocks;
    for (std::size_t i = 0; i < domain.cells.size(); ++i) {
        const DomainCell& cell = domain.cells[i];
        if (cell.bytes > 0)
            blocks.push_back({cell.id, static_cast<std::uint64_t>(cell.bytes), nullptr, i});
        for (const MemoryDevice& device : domain.memory_devices)
            if (device.cell == cell.id && device.bytes > 0)
                blocks.push_back({cell.id, static_cast<std::uint64_t>(device.bytes), &device, i});
    }
    return blocks;
}

std::string name_of(const ExpectedBlock& expected) {
    return expected.device ? "memory device " + expected.device->id
                           : "the memory of cell " + std::to_string(expected.cell);
}

bool continues(const Mapping& previous, const Mapping& next) {
    return next.writable && previous.end == next.start && previous.path == next.path &&
           previous.shared == next.shared;
}

// Writable ranges of exactly this size. A block is mostly one mapping. A memory policy or madvise()
// for a part of a block divides it into adjacent mappings, but unrelated mappings may be adjacent
// to it as well. So adjacent mappings are joined only if no single mapping has the size.
std::vector<RamRange> ranges_of_size(const std::vector<Mapping>& mappings, std::uint64_t size) {
    std::vector<RamRange> single, joined;
    for (std::size_t first = 0; first < mappings.size(); ++first) {
        if (!mappings[first].writable) continue;
        const std::uint64_t start = mappings[first].start;
        std::size_t last = first;
        while (mappings[last].end - start < size && last + 1 < mappings.size() &&
               continues(mappings[last], mappings[last + 1]))
            ++last;
        if (mappings[last].end - start == size)
            (first == last ? single : joined).push_back({start, size});
    }
    return single.empty() ? joined : single;
}

// The writable mapping that contains an address; null if there is none.
const Mapping* find_mapping(const std::vector<Mapping>& mappings, std::uint64_t address) {
    const auto at = std::find_if(mappings.begin(), mappings.end(), [&](const Mapping& mapping) {
        return mapping.writable && address >= mapping.start && address < mapping.end;
    });
    return at == mappings.end() ? nullptr : &*at;
}

RamBlock make_block(const Domain& domain, const ExpectedBlock& expected, const RamRange& host,
                    const std::vector<Mapping>& mappings) {
    RamBlock block;
    block.cell = expected.cell;
    block.host = host;
    if (expected.device) block.device = expected.device->id;
    if (const Mapping* mapping = find_mapping(mappings, host.start)) {
        block.shared = mapping->shared;
        block.backing = mapping->path;
    }
    block.hugetlb = domain.huge_page_bytes > 0;
    if (block.hugetlb) block.page_bytes = domain.huge_page_bytes;
    return block;
}

RamMap unknown_map(std::string why) {
    RamMap map;
    map.unknown = std::move(why);
    return map;
}

// A memory backend's region with its pieces, which are sorted by guest-physical address.
struct Region {
    std::string name;
    std::vector<RamView::Piece> pieces;
};

// The regions of memory backends, sorted by the guest-physical address of their first pieces.
std::vector<Region> order_regions(const RamView& view) {
    std::vector<Region> regions;
    std::vector<RamView::Piece> pieces = view.pieces;
    std::stable_sort(pieces.begin(), pieces.end(),
                     [](const auto& a, const auto& b) { return a.start < b.start; });
    for (const RamView::Piece& piece : pieces) {
        if (!view.backends.contains(piece.region)) continue;
        auto region = std::find_if(regions.begin(), regions.end(),
                                   [&](const Region& known) { return known.name == piece.region; });
        if (region == regions.end()) region = regions.insert(region, {piece.region, {}});
        region->pieces.push_back(piece);
    }
    return regions;
}

// Whether a region is the memory device that is expected, or, for a cell's own memory, no memory
// device.
bool may_be(const Region& region, const ExpectedBlock& expected, const RamView& view) {
    const auto device = std::find_if(view.devices.begin(), view.devices.end(),
                                     [&](const auto& one) { return one.second == region.name; });
    if (device == view.devices.end()) return expected.device == nullptr;
    return expected.device && expected.device->id == device->first;
}

// The pieces with adjacent ones joined.
std::vector<GuestRange> join_pieces(const std::vector<RamView::Piece>& pieces) {
    std::vector<GuestRange> ranges;
    for (const RamView::Piece& piece : pieces)
        if (!ranges.empty() && ranges.back().start + ranges.back().bytes == piece.start)
            ranges.back().bytes += piece.bytes;
        else
            ranges.push_back({piece.start, piece.bytes});
    return ranges;
}

}  // namespace

bool is_mapped(const std::vector<Mapping>& mappings, const RamRange& range) {
    std::uint64_t address = range.start;
    while (address - range.start < range.size) {
        const Mapping* mapping = find_mapping(mappings, address);
        if (!mapping) return false;
        address = mapping->end;
    }
    return true;
}

RamMap map_by_size(const Domain& domain, const std::vector<Mapping>& mappings) {
    const std::vector<ExpectedBlock> expected = expected_blocks(domain);
    const auto layout = pc_layout(domain);
    RamMap map;
    for (const ExpectedBlock& one : expected) {
        const std::vector<RamRange> ranges = ranges_of_size(mappings, one.bytes);
        const auto of_this_size =
            std::count_if(expected.begin(), expected.end(),
                          [&](const ExpectedBlock& other) { return other.bytes == one.bytes; });
        if (ranges.empty())
            return unknown_map(name_of(one) + " was not found: no mapping has its size");
        if (ranges.size() > 1 || of_this_size > 1)
            return unknown_map(name_of(one) + " is ambiguous: several blocks have its size");
        RamBlock block = make_block(domain, one, ranges.front(), mappings);
        if (one.device && one.device->address)
            block.guest = {{*one.device->address, one.bytes}};
        else if (!one.device && one.cell_index < layout.size())
            block.guest = layout[one.cell_index];
        map.blocks.push_back(std::move(block));
    }
    return map;
}

RamMap map_by_view(const Domain& domain, const RamView& view,
                   const std::vector<Mapping>& mappings) {
    std::vector<Region> regions = order_regions(view);
    RamMap map;
    map.source = "monitor";
    for (const ExpectedBlock& one : expected_blocks(domain)) {
        // Each cell has one memory backend, and cells follow each other in guest-physical memory.
        // So the first region left is that of the next cell.
        const auto region =
            std::find_if(regions.begin(), regions.end(),
                         [&](const Region& candidate) { return may_be(candidate, one, view); });
        if (region == regions.end())
            return unknown_map(name_of(one) +
                               " is not among the memory backends that its monitor lists");
        const RamView::Backend& backend = view.backends.at(region->name);
        // QEMU rounds a block up to whole huge pages.
        const std::uint64_t page = static_cast<std::uint64_t>(domain.huge_page_bytes);
        if (backend.bytes < one.bytes || backend.bytes - one.bytes > page)
            return unknown_map(name_of(one) + " has " + std::to_string(one.bytes) +
                               " bytes, but its monitor lists " + std::to_string(backend.bytes) +
                               " bytes");
        const RamRange host{backend.address, backend.bytes};
        if (!is_mapped(mappings, host))
            return unknown_map(name_of(one) +
                               " is not mapped at the address that its monitor lists");
        RamBlock block = make_block(domain, one, host, mappings);
        block.id = region->name;
        block.numatune = backend.numatune;
        block.guest = join_pieces(region->pieces);
        map.blocks.push_back(std::move(block));
        regions.erase(region);
    }
    return map;
}

std::vector<std::vector<GuestRange>> pc_layout(const Domain& domain) {
    std::uint64_t ram = 0, devices = 0;
    for (const DomainCell& cell : domain.cells)
        ram += static_cast<std::uint64_t>(cell.bytes);
    for (const MemoryDevice& device : domain.memory_devices)
        devices += static_cast<std::uint64_t>(device.bytes);
    const bool q35 = domain.machine.starts_with("pc-q35") || domain.machine == "q35";
    const bool i440fx = domain.machine.starts_with("pc-i440fx") || domain.machine == "pc";
    if ((!q35 && !i440fx) || ram + devices > pc_layout_limit) return {};
    // RAM that does not fit below the hole is divided at a multiple of 1 GiB.
    const std::uint64_t hole = q35 ? 0xb0000000 : 0xe0000000;
    const std::uint64_t low = ram < hole ? hole : (q35 ? 2 * gib : 3 * gib);

    std::vector<std::vector<GuestRange>> layout;
    std::uint64_t begin = 0;
    for (const DomainCell& cell : domain.cells) {
        const std::uint64_t end = begin + static_cast<std::uint64_t>(cell.bytes);
        std::vector<GuestRange>& ranges = layout.emplace_back();
        if (begin < low) ranges.push_back({begin, std::min(end, low) - begin});
        const std::uint64_t high = std::max(begin, low);
        if (end > high) ranges.push_back({4 * gib + high - low, end - high});
        begin = end;
    }
    return layout;
}

}  // namespace vnuma
