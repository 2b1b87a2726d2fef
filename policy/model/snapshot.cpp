#include "policy/model/snapshot.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma {

Bytes total_bytes(const CellState& cell) {
    return std::accumulate(cell.residency.begin(), cell.residency.end(), Bytes{0});
}

Bytes full_bytes(const CellState& cell) {
    return std::max(cell.size, total_bytes(cell));
}

Bytes growth_at(const CellState& cell, NodeIndex node) {
    const Bytes allocated = total_bytes(cell), growth = full_bytes(cell) - allocated;
    if (cell.huge_page != 0 || growth == 0) return 0;
    if (cell.confined_to) return cell.confined_to == node ? growth : 0;
    return growth / std::max<Bytes>(allocated / mib, 1) * (cell.residency[node] / mib);
}

bool WideUse::known() const {
    return std::any_of(accesses.begin(), accesses.end(), [](auto count) { return count > 0; });
}

PerMille locality(const CellState& cell, NodeIndex node) {
    const Bytes total = total_bytes(cell);
    // In KiB, so that the product fits 64 bits on every machine.
    return total < 1024 ? 1000 : cell.residency[node] / 1024 * 1000 / (total / 1024);
}

std::optional<std::size_t> group_of(const GuestState& guest, const Snapshot& snapshot,
                                    Arrangement arrangement) {
    if (guest.policy.group.empty()) return std::nullopt;
    for (std::size_t g = 0; g < snapshot.groups.size(); ++g)
        if (snapshot.groups[g].name == guest.policy.group &&
            snapshot.groups[g].arrangement == arrangement)
            return g;
    return std::nullopt;
}

}  // namespace vnuma
