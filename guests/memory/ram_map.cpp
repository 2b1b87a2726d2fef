#include "guests/memory/ram_map.hpp"

#include <algorithm>

namespace vnuma {
namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;
constexpr std::uint64_t pc_layout_limit = 512 * gib;

// One block that has to be found: a cell's own memory, or a memory device.
struct Wanted {
    int cell;
    std::uint64_t bytes;
    const MemoryDevice* device;
    std::size_t position;  // of the cell in the domain
};

std::vector<Wanted> wanted_blocks(const Domain& domain) {
    std::vector<Wanted> wanted;
    for (std::size_t i = 0; i < domain.cells.size(); ++i) {
        const DomainCell& cell = domain.cells[i];
        if (cell.bytes > 0)
            wanted.push_back({cell.id, static_cast<std::uint64_t>(cell.bytes), nullptr, i});
        for (const MemoryDevice& device : domain.memory_devices)
            if (device.cell == cell.id && device.bytes > 0)
                wanted.push_back({cell.id, static_cast<std::uint64_t>(device.bytes), &device, i});
    }
    return wanted;
}

bool continues(const Mapping& previous, const Mapping& next) {
    return next.writable && previous.end == next.start && previous.path == next.path &&
           previous.shared == next.shared;
}

// Writable blocks of exactly this size. Mostly one mapping each; but a policy or advice on a part
// of a block splits it into several that touch, and unrelated mappings may touch it as well.
std::vector<RamRange> blocks_of_size(const std::vector<Mapping>& mappings, std::uint64_t size) {
    std::vector<RamRange> whole, joined;
    for (std::size_t first = 0; first < mappings.size(); ++first) {
        if (!mappings[first].writable) continue;
        const std::uint64_t start = mappings[first].start;
        std::size_t last = first;
        while (mappings[last].end - start < size && last + 1 < mappings.size() &&
               continues(mappings[last], mappings[last + 1]))
            ++last;
        if (mappings[last].end - start == size)
            (first == last ? whole : joined).push_back({start, size});
    }
    return whole.empty() ? joined : whole;
}

// The mapping the address is in, if it can be written to.
const Mapping* find_mapping(const std::vector<Mapping>& mappings, std::uint64_t address) {
    const auto at = std::find_if(mappings.begin(), mappings.end(), [&](const Mapping& mapping) {
        return mapping.writable && address >= mapping.start && address < mapping.end;
    });
    return at == mappings.end() ? nullptr : &*at;
}

RamBlock make_block(const Domain& domain, const Wanted& wanted, const RamRange& host,
                    const std::vector<Mapping>& mappings) {
    RamBlock block;
    block.cell = wanted.cell;
    block.host = host;
    if (wanted.device) block.device = wanted.device->id;
    if (const Mapping* mapping = find_mapping(mappings, host.start)) {
        block.shared = mapping->shared;
        block.backing = mapping->path;
    }
    block.hugetlb = domain.huge_page_bytes > 0;
    if (block.hugetlb) block.page_bytes = domain.huge_page_bytes;
    return block;
}

std::string name_of(const Wanted& wanted) {
    return wanted.device ? "memory device " + wanted.device->id
                         : "the memory of cell " + std::to_string(wanted.cell);
}

RamMap unknown_map(std::string why) {
    RamMap map;
    map.unknown = std::move(why);
    return map;
}

// Backends in the order in which the guest sees them, each with its pieces.
std::vector<std::pair<std::string, std::vector<RamView::Piece>>> order_regions(
    const RamView& view) {
    std::vector<std::pair<std::string, std::vector<RamView::Piece>>> regions;
    std::vector<RamView::Piece> pieces = view.pieces;
    std::stable_sort(pieces.begin(), pieces.end(),
                     [](const auto& a, const auto& b) { return a.start < b.start; });
    for (const RamView::Piece& piece : pieces) {
        if (!view.backends.contains(piece.region)) continue;
        auto known = std::find_if(regions.begin(), regions.end(),
                                  [&](const auto& region) { return region.first == piece.region; });
        if (known == regions.end()) known = regions.insert(known, {piece.region, {}});
        known->second.push_back(piece);
    }
    return regions;
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
    const std::vector<Wanted> wanted = wanted_blocks(domain);
    const auto layout = pc_layout(domain);
    RamMap map;
    for (const Wanted& one : wanted) {
        const std::vector<RamRange> blocks = blocks_of_size(mappings, one.bytes);
        const auto alike = std::count_if(wanted.begin(), wanted.end(), [&](const Wanted& other) {
            return other.bytes == one.bytes;
        });
        if (blocks.empty()) return unknown_map(name_of(one) + ": no block of its size is mapped");
        if (blocks.size() > 1 || alike > 1)
            return unknown_map(name_of(one) + " is ambiguous: several blocks have its size");
        RamBlock block = make_block(domain, one, blocks.front(), mappings);
        if (one.device && one.device->address)
            block.guest = {{*one.device->address, one.bytes}};
        else if (!one.device && one.position < layout.size())
            block.guest = layout[one.position];
        map.blocks.push_back(std::move(block));
    }
    return map;
}

RamMap map_by_view(const Domain& domain, const RamView& view,
                   const std::vector<Mapping>& mappings) {
    auto regions = order_regions(view);
    RamMap map;
    map.source = "monitor";
    for (const Wanted& one : wanted_blocks(domain)) {
        // Cells lie in the guest's memory in their order, each in one backend.
        const auto at = std::find_if(regions.begin(), regions.end(), [&](const auto& region) {
            const auto device =
                std::find_if(view.devices.begin(), view.devices.end(),
                             [&](const auto& d) { return d.second == region.first; });
            if (device == view.devices.end()) return one.device == nullptr;
            return one.device && one.device->id == device->first;
        });
        if (at == regions.end())
            return unknown_map(name_of(one) + " is not among what the monitor tells");
        const RamView::Backend& backend = view.backends.at(at->first);
        // Huge pages round a block up.
        const std::uint64_t page = static_cast<std::uint64_t>(domain.huge_page_bytes);
        if (backend.bytes < one.bytes || backend.bytes - one.bytes > page)
            return unknown_map(name_of(one) + " has another size than the monitor tells");
        const RamRange host{backend.address, backend.bytes};
        if (!is_mapped(mappings, host))
            return unknown_map(name_of(one) + " is not where the monitor tells");
        RamBlock block = make_block(domain, one, host, mappings);
        block.id = at->first;
        block.numatune = backend.numatune;
        for (const RamView::Piece& piece : at->second)
            if (!block.guest.empty() &&
                block.guest.back().start + block.guest.back().bytes == piece.start)
                block.guest.back().bytes += piece.bytes;
            else
                block.guest.push_back({piece.start, piece.bytes});
        map.blocks.push_back(std::move(block));
        regions.erase(at);
    }
    return map;
}

std::vector<std::vector<GuestRange>> pc_layout(const Domain& domain) {
    std::uint64_t total = 0;
    for (const DomainCell& cell : domain.cells)
        total += static_cast<std::uint64_t>(cell.bytes);
    for (const MemoryDevice& device : domain.memory_devices)
        total += static_cast<std::uint64_t>(device.bytes);
    const bool q35 = domain.machine.starts_with("pc-q35") || domain.machine == "q35";
    const bool i440fx = domain.machine.starts_with("pc-i440fx") || domain.machine == "pc";
    if ((!q35 && !i440fx) || total > pc_layout_limit) return {};
    std::uint64_t ram = 0;
    for (const DomainCell& cell : domain.cells)
        ram += static_cast<std::uint64_t>(cell.bytes);
    const std::uint64_t roomy = q35 ? 0xb0000000 : 0xe0000000, rounded = q35 ? 2 * gib : 3 * gib;
    const std::uint64_t low = ram >= roomy ? rounded : roomy;

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
