#include "guests/guest_memory.hpp"

#include <algorithm>

namespace vnuma {
namespace {

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

bool covers(const RamRange& range, std::uint64_t address) {
    return address >= range.start && address - range.start < range.size;
}

// "bind:0-1", or with a flag "bind=static:0-1"; all of a cell's bindings hold together.
void apply_policy(std::string_view policy, Residency& residency) {
    if (policy.starts_with("interleave") || policy.starts_with("weighted"))
        residency.forbidden = "its owner has its memory interleaved";
    if (!policy.starts_with("bind")) return;
    auto nodes = parse_number_list(policy.substr(policy.find(':') + 1));
    if (nodes && !residency.bound_to.empty())
        std::erase_if(*nodes, [&](int node) {
            return std::find(residency.bound_to.begin(), residency.bound_to.end(), node) ==
                   residency.bound_to.end();
        });
    residency.bound_to = nodes.value_or(std::vector<int>{});
    if (residency.bound_to.empty())
        residency.forbidden = "its owner bound its memory in a way that leaves no node";
}

}  // namespace

std::vector<CellMemory> find_cell_memory(const std::vector<DomainCell>& cells,
                                         const std::vector<Mapping>& mappings) {
    std::vector<CellMemory> found;
    for (const DomainCell& cell : cells) {
        CellMemory& memory = found.emplace_back();
        const std::vector<RamRange> blocks =
            blocks_of_size(mappings, static_cast<std::uint64_t>(cell.bytes));
        const auto alike = std::count_if(cells.begin(), cells.end(), [&](const DomainCell& other) {
            return other.bytes == cell.bytes;
        });
        if (blocks.empty())
            memory.unknown = "no block of its size is mapped";
        else if (blocks.size() > 1 || alike > 1)
            memory.unknown = "several blocks have its size";
        else
            memory.ranges.push_back(blocks.front());
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
        apply_policy(mapping.policy, residency);
    }
    return residency;
}

}  // namespace vnuma
