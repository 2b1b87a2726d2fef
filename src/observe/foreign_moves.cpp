#include "src/observe/foreign_moves.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "guests/process/process.hpp"

namespace vnuma {
namespace {

std::map<int, std::int64_t> bytes_by_node(const GuestSample& guest) {
    std::map<int, std::int64_t> bytes;
    for (const CellSample& cell : guest.cells)
        for (const auto& [node, count] : cell.residency.bytes)
            bytes[node] += count;
    return bytes;
}

std::int64_t at(const std::map<int, std::int64_t>& bytes, int node) {
    const auto found = bytes.find(node);
    return found == bytes.end() ? 0 : found->second;
}

// Bytes that have changed their node. What a guest gets or gives back changes one side only.
Bytes moved_between(const std::map<int, std::int64_t>& before,
                    const std::map<int, std::int64_t>& now) {
    Bytes left = 0, arrived = 0;
    for (const auto& [node, bytes] : before)
        left += std::max<Bytes>(bytes - at(now, node), 0);
    for (const auto& [node, bytes] : now)
        arrived += std::max<Bytes>(bytes - at(before, node), 0);
    return std::min(left, arrived);
}

}  // namespace

std::string ForeignMoves::update(const GuestSample& guest, Bytes ours, Bytes kernels) {
    if (!guest.process || guest.cells.empty()) return "";
    Known now{{guest.process->pid(), guest.process->start_time()},
              guest.residency.mode,
              bytes_by_node(guest),
              0};
    const auto known = guests_.find(guest.uuid);
    const bool comparable = known != guests_.end() && known->second.process == now.process &&
                            known->second.mode == now.mode;
    if (!comparable) {
        guests_.insert_or_assign(guest.uuid, std::move(now));
        return "";
    }
    const Bytes moved = moved_between(known->second.bytes, now.bytes);
    const Bytes explained = known->second.explained + ours + kernels;
    now.explained = std::max<Bytes>(explained - moved, 0);
    Bytes all = 0;
    for (const auto& [node, bytes] : now.bytes)
        all += bytes;
    known->second = std::move(now);
    const Bytes foreign = moved - explained;
    if (foreign < least_bytes || foreign < all / least_share) return "";
    return "someone else moved " + std::to_string(foreign / mib) + " MiB of its memory";
}

void ForeignMoves::forget_others(const Sample& sample) {
    std::set<std::string> there;
    for (const GuestSample& guest : sample.guests)
        there.insert(guest.uuid);
    std::erase_if(guests_, [&](const auto& known) { return !there.contains(known.first); });
}

}  // namespace vnuma
