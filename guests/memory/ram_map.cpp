#include "guests/memory/ram_map.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace vnuma {
namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;
// Limit of the RAM and memory devices of a guest for which pc_layout() is certain.
constexpr std::uint64_t pc_layout_limit = 512 * gib;
// A mapping may hold lost memory if it has at least this share of it.
constexpr std::uint64_t least_share_of_lost = 16;
// QEMU's human monitor tells the size of a cell in MiB.
constexpr std::uint64_t monitor_rounding = 1 << 20;

// A RAM block that the domain has: a cell's own memory, or a memory device.
struct ExpectedBlock {
    int cell;
    std::uint64_t bytes;         // 0 if it is not known
    const MemoryDevice* device;  // null for a cell's own memory
    std::size_t cell_index;      // index of the cell in the domain
    std::int64_t huge_page_bytes;
};

// Memory that is no DRAM has blocks too, but nobody needs to know where.
std::vector<ExpectedBlock> expected_blocks(const Domain& domain) {
    std::vector<ExpectedBlock> blocks;
    for (std::size_t i = 0; i < domain.cells.size(); ++i) {
        const DomainCell& cell = domain.cells[i];
        if (cell.bytes > 0 || !cell.size_known)
            blocks.push_back({cell.id, static_cast<std::uint64_t>(cell.bytes), nullptr, i,
                              cell.huge_page_bytes});
        for (const MemoryDevice& device : domain.memory_devices)
            if (device.cell == cell.id && device.bytes > 0 && device.is_dram())
                blocks.push_back({cell.id, static_cast<std::uint64_t>(device.bytes), &device, i,
                                  device.huge_page_bytes});
    }
    return blocks;
}

// The blocks of one size, a block itself among them.
struct Equals {
    std::size_t count = 0, before = 0;  // how many there are, and how many of them come before it
    bool in_one_cell = true;
};

Equals find_equals(const std::vector<ExpectedBlock>& blocks, const ExpectedBlock& one) {
    Equals equals;
    for (const ExpectedBlock& other : blocks) {
        if (other.bytes != one.bytes) continue;
        if (&other < &one) ++equals.before;
        ++equals.count;
        equals.in_one_cell &= other.cell == one.cell;
    }
    return equals;
}

// Where a block is in guest-physical memory; empty if it is not known. `layout` is that of the
// cells' own memory, or empty.
std::vector<GuestRange> guest_ranges(const ExpectedBlock& expected,
                                     const std::vector<std::vector<GuestRange>>& layout) {
    if (expected.device && expected.device->address)
        return {{*expected.device->address, expected.bytes}};
    if (!expected.device && expected.cell_index < layout.size()) return layout[expected.cell_index];
    return {};
}

std::string name_of(const ExpectedBlock& expected) {
    return expected.device ? "memory device " + expected.device->id
                           : "the memory of cell " + std::to_string(expected.cell);
}

bool continues(const Mapping& previous, const Mapping& next) {
    return next.writable && previous.end == next.start && previous.path == next.path &&
           previous.file == next.file && previous.shared == next.shared;
}

// Whether a mapping of this file can be RAM. Devices have large mappings too: a GPU's memory that
// VFIO maps, or the memory of SGX. Those of device-dax can be a cell's memory that is no DRAM.
bool may_be_ram(const std::string& path) {
    if (!path.starts_with("/dev/"))
        return path.empty() || path.starts_with('/') || path.starts_with("[anon");
    constexpr std::array memory{"/dev/shm/", "/dev/hugepages", "/dev/zero", "/dev/dax"};
    return std::any_of(memory.begin(), memory.end(),
                       [&](const char* one) { return path.starts_with(one); });
}

// The mappings that can be blocks which the map is to have.
std::vector<Mapping> possible_blocks(const Domain& domain, const std::vector<Mapping>& mappings) {
    std::vector<Mapping> possible;
    for (const Mapping& mapping : mappings)
        if (mapping.writable && may_be_ram(mapping.path) &&
            std::none_of(domain.memory_devices.begin(), domain.memory_devices.end(),
                         [&](const MemoryDevice& device) {
                             return !device.is_dram() && !device.path.empty() &&
                                    device.path == mapping.path;
                         }))
            possible.push_back(mapping);
    return possible;
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

bool is_device_dax(const std::string& path) {
    return path.starts_with("/dev/dax");
}

// Adds the block to the map, unless its memory is a device's.
void add_block(RamMap& map, const ExpectedBlock& expected, RamBlock block,
               const std::vector<Mapping>& mappings) {
    block.cell = expected.cell;
    if (expected.device) {
        block.device = expected.device->id;
        if (expected.device->numatune) block.numatune = expected.device->numatune;
    }
    if (const Mapping* mapping = find_mapping(mappings, block.host.start)) {
        block.shared = mapping->shared;
        block.backing = mapping->path;
        if (mapping->shared) block.file = mapping->file;
    }
    if (is_device_dax(block.backing)) {
        map.no_dram[expected.cell] += static_cast<std::int64_t>(expected.bytes);
        return;
    }
    block.hugetlb = expected.huge_page_bytes > 0;
    if (block.hugetlb) block.page_bytes = expected.huge_page_bytes;
    map.blocks.push_back(std::move(block));
}

// Notes that a block was not found. A cell can do without knowing where a memory device is, but not
// without its own memory.
void add_lost(RamMap& map, const ExpectedBlock& expected, const std::string& why) {
    const std::string problem = name_of(expected) + " " + why;
    map.complete = false;
    if (map.problems.size() < max_description_problems) map.problems.push_back(problem);
    if (expected.device) return;
    map.lost.bytes[expected.cell] += static_cast<std::int64_t>(expected.bytes);
    if (map.unknown.empty()) map.unknown = problem;
}

bool overlap(const RamRange& a, const RamRange& b) {
    return a.start < b.start + b.size && b.start < a.start + a.size;
}

void add_candidates(RamMap& map, const std::vector<RamRange>& ranges) {
    std::vector<RamRange>& known = map.lost.candidates;
    for (const RamRange& range : ranges)
        if (std::none_of(known.begin(), known.end(),
                         [&](const RamRange& other) { return overlap(other, range); }))
            known.push_back(range);
}

// Large mappings that are of no known block. Adjacent ones are taken as one.
void add_large_mappings(RamMap& map, const std::vector<Mapping>& mappings) {
    std::uint64_t lost = 0;
    for (const auto& [cell, bytes] : map.lost.bytes)
        lost += static_cast<std::uint64_t>(bytes);
    const auto is_block = [&](const RamRange& range) {
        return std::any_of(map.blocks.begin(), map.blocks.end(),
                           [&](const RamBlock& block) { return overlap(block.host, range); });
    };
    for (std::size_t i = 0; i < mappings.size(); ++i) {
        if (!mappings[i].writable || is_device_dax(mappings[i].path)) continue;
        const std::uint64_t start = mappings[i].start;
        while (i + 1 < mappings.size() && continues(mappings[i], mappings[i + 1]))
            ++i;
        const RamRange range{start, mappings[i].end - start};
        if (range.size >= std::max(lost / least_share_of_lost, monitor_rounding) &&
            !is_block(range))
            add_candidates(map, {range});
    }
}

// A map that lacks some blocks still tells where the memory is as a whole, if anything does.
RamMap finish(RamMap map, const std::vector<Mapping>& mappings) {
    if (map.lost.bytes.empty()) return map;
    if (map.lost.candidates.empty()) add_large_mappings(map, mappings);
    if (map.lost.candidates.empty())
        map.blocks.clear();
    else
        map.unknown.clear();
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

// Whether the size of a region is that of the block, if that is known. QEMU rounds a block up to
// whole huge pages.
bool has_size(const RamView::Backend& backend, const ExpectedBlock& expected) {
    if (expected.bytes == 0) return true;
    const std::uint64_t rounding =
        std::max(static_cast<std::uint64_t>(expected.huge_page_bytes), monitor_rounding);
    return backend.bytes >= expected.bytes && backend.bytes - expected.bytes <= rounding;
}

// Whether a region is the memory device that is expected, or, for a cell's own memory, no memory
// device.
bool may_be(const Region& region, const ExpectedBlock& expected, const RamView& view) {
    const auto device = std::find_if(view.devices.begin(), view.devices.end(),
                                     [&](const auto& one) { return one.second == region.name; });
    if (device == view.devices.end()) return expected.device == nullptr;
    return expected.device && expected.device->id == device->first;
}

// Regions for the memory of other devices (ivshmem, CXL) are not RAM. On a PC such a region is in
// the hole below 4 GiB, where it does not continue the RAM before it, or above all RAM.
void remove_device_regions(std::vector<Region>& regions, const RamView& view) {
    std::uint64_t end = 0;
    std::erase_if(regions, [&](const Region& region) {
        const RamView::Piece &first = region.pieces.front(), &last = region.pieces.back();
        const bool may_be_ram = first.start == end || first.start >= 4 * gib;
        if (may_be_ram) end = last.start + last.bytes;
        return !may_be_ram &&
               std::none_of(view.devices.begin(), view.devices.end(),
                            [&](const auto& one) { return one.second == region.name; });
    });
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
    const std::vector<Mapping> possible = possible_blocks(domain, mappings);
    RamMap map;
    for (const ExpectedBlock& one : expected) {
        const std::vector<RamRange> ranges =
            one.bytes > 0 ? ranges_of_size(possible, one.bytes) : std::vector<RamRange>();
        const Equals equals = find_equals(expected, one);
        if (ranges.empty()) {
            add_lost(map, one, "was not found: no mapping has its size");
        } else if (ranges.size() != equals.count || !equals.in_one_cell) {
            add_lost(map, one, "is ambiguous: several blocks have its size");
            if (!one.device) add_candidates(map, ranges);
        } else {
            RamBlock block;
            block.host = ranges[equals.before];
            // Which of several blocks of one cell is which matters to guest-physical addresses
            // only.
            if (equals.count == 1)
                block.guest = guest_ranges(one, layout);
            else
                map.complete = false;
            add_block(map, one, std::move(block), possible);
        }
    }
    return finish(std::move(map), possible);
}

RamMap map_by_view(const Domain& domain, const RamView& view,
                   const std::vector<Mapping>& mappings) {
    std::vector<Region> regions = order_regions(view);
    const bool from_zero = !regions.empty() && regions.front().pieces.front().start == 0;
    if (from_zero) remove_device_regions(regions, view);
    RamMap map;
    map.source = "monitor";
    for (const ExpectedBlock& one : expected_blocks(domain)) {
        // Each cell has one memory backend, and cells follow each other in guest-physical memory.
        // So the first region left is that of the next cell.
        const auto candidate = [&](const Region& region) { return may_be(region, one, view); };
        const auto fits = [&](const Region& region) {
            return candidate(region) && has_size(view.backends.at(region.name), one);
        };
        const auto region = std::find_if(regions.begin(), regions.end(), fits);
        if (region == regions.end()) {
            const auto other = std::find_if(regions.begin(), regions.end(), candidate);
            add_lost(map, one,
                     other == regions.end()
                         ? "is not among the memory backends that its monitor lists"
                         : "has " + std::to_string(one.bytes) + " bytes, but its monitor lists " +
                               std::to_string(view.backends.at(other->name).bytes) + " bytes");
            continue;
        }
        const RamView::Backend& backend = view.backends.at(region->name);
        RamBlock block;
        block.host = {backend.address, backend.bytes};
        if (!is_mapped(mappings, block.host)) {
            add_lost(map, one, "is not mapped at the address that its monitor lists");
            continue;
        }
        block.id = region->name;
        block.numatune = backend.numatune;
        block.guest = join_pieces(region->pieces);
        add_block(map, one, std::move(block), mappings);
        regions.erase(region);
    }
    return finish(std::move(map), possible_blocks(domain, mappings));
}

std::vector<std::vector<GuestRange>> pc_layout(const Domain& domain) {
    std::uint64_t ram = 0, devices = 0;
    for (const DomainCell& cell : domain.cells) {
        if (!cell.size_known) return {};
        ram += static_cast<std::uint64_t>(cell.bytes);
    }
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
        if (begin < std::min(end, low)) ranges.push_back({begin, std::min(end, low) - begin});
        const std::uint64_t high = std::max(begin, low);
        if (end > high) ranges.push_back({4 * gib + high - low, end - high});
        begin = end;
    }
    return layout;
}

}  // namespace vnuma
