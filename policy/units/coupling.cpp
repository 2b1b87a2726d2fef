#include "policy/units/coupling.hpp"

#include <algorithm>

namespace vnuma {
namespace {

// Share of each cell's or shard's accesses that go to the memory of each other one.
using Shares = std::vector<std::vector<PerMille>>;

// A guest's kernel falls back to near nodes first, so the accesses to other cells are divided in
// inverse proportion to the distance that the guest sees. A cell without memory is accessed by no
// other one, and makes all of its accesses to the others.
Shares shares_of_cells(const GuestState& guest) {
    const std::size_t cells = guest.cells.size();
    Shares shares(cells, std::vector<PerMille>(cells));
    for (std::size_t a = 0; a < cells; ++a) {
        PerMille all = 0;
        for (std::size_t b = 0; b < cells; ++b) {
            const bool known = a < guest.distances.size() && b < guest.distances[a].size();
            const int distance = known ? guest.distances[a][b] : local_distance;
            const bool any = a != b && full_bytes(guest.cells[b]) > 0;
            shares[a][b] = any ? 10'000 / std::max(distance, local_distance) : 0;
            all += shares[a][b];
        }
        const PerMille to_others = full_bytes(guest.cells[a]) > 0 ? cross_cell_share : 1000;
        for (PerMille& share : shares[a])
            share = all == 0 ? 0 : to_others * share / all;
    }
    return shares;
}

// Couples the units from `begin` up to `end`, which belong to one guest. Shares are by the position
// of a cell in its guest, which is not its number, or by the number of a shard.
void couple_guest(std::vector<Unit>& units, std::size_t begin, std::size_t end,
                  const Shares& shares, bool are_shards) {
    const auto position = [&](std::size_t i) {
        const Unit::Part& part = units[i].parts.front();
        return static_cast<std::size_t>(are_shards ? part.cell->key.shard
                                                   : part.cell - part.guest->cells.data());
    };
    for (std::size_t a = begin; a < end; ++a)
        for (std::size_t b = begin; b < end; ++b) {
            if (a == b || position(a) >= shares.size() || position(b) >= shares.size()) continue;
            const CellState &one = *units[a].parts.front().cell,
                            &other = *units[b].parts.front().cell;
            const MilliCpu traffic = (one.cpu_use * shares[position(a)][position(b)] +
                                      other.cpu_use * shares[position(b)][position(a)]) /
                                     1000;
            // A guest's kernel runs no tasks on a cell without vCPUs.
            const bool siblings = !are_shards && one.vcpus > 0 && other.vcpus > 0;
            const MilliCpu sibling = std::max(use_as_sibling(one.cpu_use, one.vcpus),
                                              use_as_sibling(other.cpu_use, other.vcpus));
            units[a].couplings.push_back({b, traffic, siblings ? sibling : 0});
        }
}

}  // namespace

void couple_cells(std::vector<Unit>& units, const std::map<std::string, Split>& splits) {
    for (std::size_t begin = 0, end = 0; begin < units.size(); begin = end) {
        const Unit::Part& first = units[begin].parts.front();
        while (end < units.size() && units[end].parts.front().guest == first.guest)
            ++end;
        if (end - begin < 2) continue;
        const bool are_shards = first.cell->key.shard != CellKey::whole;
        couple_guest(units, begin, end,
                     are_shards ? access_shares_by_owner(*first.guest->wide,
                                                         splits.at(first.guest->uuid).partition)
                                : shares_of_cells(*first.guest),
                     are_shards);
    }
}

}  // namespace vnuma
