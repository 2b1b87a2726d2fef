#include "guests/guest_memory.hpp"

#include <algorithm>

namespace vnuma {
namespace {

// A block may be several mappings (after a policy or advice on a part), but they touch.
std::vector<RamRange> writable_blocks(const std::vector<Mapping>& mappings) {
    std::vector<RamRange> blocks;
    const Mapping* previous = nullptr;
    for (const Mapping& mapping : mappings) {
        if (!mapping.writable) continue;
        const bool continues = previous && previous->end == mapping.start &&
                               previous->path == mapping.path && previous->shared == mapping.shared;
        if (continues)
            blocks.back().size += mapping.end - mapping.start;
        else
            blocks.push_back({mapping.start, mapping.end - mapping.start});
        previous = &mapping;
    }
    return blocks;
}

bool covers(const RamRange& range, std::uint64_t address) {
    return address >= range.start && address - range.start < range.size;
}

}  // namespace

std::vector<CellMemory> find_cell_memory(const std::vector<DomainCell>& cells,
                                         const std::vector<Mapping>& mappings) {
    const std::vector<RamRange> blocks = writable_blocks(mappings);
    std::vector<CellMemory> found;
    for (const DomainCell& cell : cells) {
        CellMemory& memory = found.emplace_back();
        const auto of_this_size = [&](const auto& thing, auto size) {
            return std::count_if(thing.begin(), thing.end(), size);
        };
        const auto size = static_cast<std::uint64_t>(cell.bytes);
        const auto blocks_alike =
            of_this_size(blocks, [&](const RamRange& block) { return block.size == size; });
        const auto cells_alike =
            of_this_size(cells, [&](const DomainCell& other) { return other.bytes == cell.bytes; });
        if (blocks_alike == 0) {
            memory.unknown = "no block of its size is mapped";
        } else if (blocks_alike > 1 || cells_alike > 1) {
            memory.unknown = "several blocks have its size";
        } else {
            memory.ranges.push_back(*std::find_if(
                blocks.begin(), blocks.end(), [&](const RamRange& b) { return b.size == size; }));
        }
    }
    return found;
}

Residency sum_residency(const std::vector<RamRange>& ranges,
                        const std::vector<NumaMapping>& numa_mappings) {
    Residency residency;
    for (const NumaMapping& mapping : numa_mappings) {
        const bool ours = std::any_of(ranges.begin(), ranges.end(), [&](const RamRange& range) {
            return covers(range, mapping.start);
        });
        if (!ours) continue;
        for (const auto& [node, bytes] : mapping.bytes)
            residency.bytes[node] += static_cast<std::int64_t>(bytes);
        // "bind:0-1", or with a flag "bind=static:0-1".
        const std::string_view policy = mapping.policy;
        if (policy.starts_with("bind"))
            residency.bound_to = parse_number_list(policy.substr(policy.find(':') + 1))
                                     .value_or(std::vector<int>{});
    }
    return residency;
}

}  // namespace vnuma
