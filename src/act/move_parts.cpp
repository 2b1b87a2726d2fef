#include "src/act/move_parts.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace vnuma {
namespace {

std::vector<RamRange> memory_of_shard(const MoveMemory& action, const GuestSample& guest,
                                      const CellSample& cell) {
    std::vector<RamRange> ranges;
    std::set<int> vcpus;
    for (const std::size_t vcpu : action.vcpus)
        vcpus.insert(cell.vcpus.at(vcpu).id);
    const auto comes_along = [&](const OwnRange& range) {
        return range.vcpu == OwnRange::shared
                   ? std::binary_search(action.extents.begin(), action.extents.end(), range.extent)
                   : vcpus.contains(range.vcpu);
    };
    if (const auto& own = guest.tracking.own_ranges)
        for (const OwnRange& range : *own)
            if (comes_along(range)) ranges.push_back(range.memory);
    return ranges;
}

// The part of a range that is in the block; of size 0 if there is none.
RamRange common(const RamRange& range, const RamRange& block) {
    const std::uint64_t from = std::max(range.start, block.start);
    const std::uint64_t to = std::min(range.start + range.size, block.start + block.size);
    return {from, to > from ? to - from : 0};
}

}  // namespace

std::vector<MovePart> parts_of(const MoveMemory& action, const GuestSample& guest,
                               const CellSample& cell) {
    const std::vector<RamRange> memory = action.key.shard == CellKey::whole
                                             ? host_ranges(cell)
                                             : memory_of_shard(action, guest, cell);
    std::map<Bytes, std::vector<RamRange>> pools;
    for (const RamRange& range : memory)
        for (const RamBlock& block : cell.blocks)
            if (const RamRange part = common(range, block.host); part.size > 0)
                pools[block.hugetlb ? block.page_bytes : 0].push_back(part);
    std::vector<MovePart> parts;
    parts.reserve(pools.size());
    for (auto& [page, ranges] : pools)
        parts.push_back({page, std::move(ranges)});
    return parts;
}

}  // namespace vnuma
