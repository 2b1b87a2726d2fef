#include "guests/discovery/kvm_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "guests/discovery/domain_from_mappings.hpp"

namespace vnuma {
namespace {

// A mapping with the slots that are in it, by address.
struct Region {
    const Mapping* mapping;
    std::vector<KvmMemorySlot> pieces;
};

bool overlap(const Mapping& mapping, const KvmMemorySlot& slot) {
    return slot.address < mapping.end && mapping.start < slot.address + slot.bytes;
}

// The parts of slots that are in the mapping, by address.
std::vector<KvmMemorySlot> parts_in(const Mapping& mapping,
                                    const std::vector<KvmMemorySlot>& slots) {
    std::vector<KvmMemorySlot> parts;
    for (const KvmMemorySlot& slot : slots) {
        if (!overlap(mapping, slot)) continue;
        const std::uint64_t start = std::max(slot.address, mapping.start),
                            end = std::min(slot.address + slot.bytes, mapping.end);
        parts.push_back({slot.guest + (start - slot.address), end - start, start});
    }
    std::stable_sort(parts.begin(), parts.end(),
                     [](const auto& a, const auto& b) { return a.address < b.address; });
    return parts;
}

// The same without holes: a PC has firmware and devices where RAM below 1 MiB would go on. Empty if
// the guest has something else in a hole, or before the first slot.
std::vector<KvmMemorySlot> pieces_in(const Mapping& mapping,
                                     const std::vector<KvmMemorySlot>& slots) {
    std::vector<KvmMemorySlot> pieces;
    std::uint64_t end = mapping.start;
    for (const KvmMemorySlot& part : parts_in(mapping, slots)) {
        if (part.address < end) continue;  // memory that the guest has at two addresses
        const bool goes_on = !pieces.empty() && part.guest - part.address ==
                                                    pieces.back().guest - pieces.back().address;
        if (!goes_on && part.address != end) return {};
        end = part.address + part.bytes;
        if (goes_on)
            pieces.back().bytes = end - pieces.back().address;
        else
            pieces.push_back(part);
    }
    return pieces;
}

std::vector<Region> find_regions(const std::vector<KvmMemorySlot>& slots,
                                 const std::vector<Mapping>& ram) {
    std::vector<Region> regions;
    for (const Mapping& mapping : ram)
        if (auto pieces = pieces_in(mapping, slots); !pieces.empty())
            regions.push_back({&mapping, std::move(pieces)});
    std::sort(regions.begin(), regions.end(), [](const Region& a, const Region& b) {
        return a.pieces.front().guest < b.pieces.front().guest;
    });
    return regions;
}

std::string name_of(std::size_t region) {
    return "ram" + std::to_string(region);
}

// A region that was not taken yet and has this size; the number of regions if there is none.
std::size_t take_region(const RamView& view, std::int64_t bytes, std::vector<bool>& taken) {
    std::size_t region = 0;
    while (region < taken.size() && (taken[region] || view.backends.at(name_of(region)).bytes !=
                                                          static_cast<std::uint64_t>(bytes)))
        ++region;
    if (region < taken.size()) taken[region] = true;
    return region;
}

void name_devices(RamView& view, const Domain& domain) {
    std::vector<bool> taken(view.backends.size());
    for (const DomainCell& cell : domain.cells)
        if (cell.bytes > 0 && take_region(view, cell.bytes, taken) == taken.size()) return;
    std::map<std::string, std::string> devices;
    for (const MemoryDevice& device : domain.memory_devices) {
        if (!device.is_dram()) continue;
        const std::size_t region = take_region(view, device.bytes, taken);
        if (region == taken.size()) return;
        devices[device.id] = name_of(region);
    }
    view.devices = std::move(devices);
}

}  // namespace

std::vector<Mapping> mappings_with_slots(const std::vector<Mapping>& mappings,
                                         const std::vector<KvmMemorySlot>& slots) {
    std::vector<Mapping> named;
    for (const Mapping& mapping : mappings)
        if (std::any_of(slots.begin(), slots.end(),
                        [&](const KvmMemorySlot& slot) { return overlap(mapping, slot); }))
            named.push_back(mapping);
    return named;
}

RamView view_of_slots(const std::vector<KvmMemorySlot>& slots, const std::vector<Mapping>& mappings,
                      const Domain& domain) {
    RamView view;
    const std::vector<Mapping> ram = find_ram_mappings(mappings);
    for (const Region& region : find_regions(slots, ram)) {
        const std::string name = name_of(view.backends.size());
        const Mapping& mapping = *region.mapping;
        view.backends[name] = {mapping.start, mapping.end - mapping.start, std::nullopt};
        for (const KvmMemorySlot& piece : region.pieces)
            view.pieces.push_back({piece.guest, piece.bytes, piece.address - mapping.start, name});
    }
    name_devices(view, domain);
    return view;
}

std::size_t count_blocks(const Domain& domain) {
    std::size_t blocks = 0;
    for (const DomainCell& cell : domain.cells)
        blocks += cell.bytes > 0;
    for (const MemoryDevice& device : domain.memory_devices)
        blocks += device.is_dram();
    return blocks;
}

}  // namespace vnuma
