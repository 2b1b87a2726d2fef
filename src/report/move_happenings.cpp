#include "src/report/move_happenings.hpp"

#include <algorithm>
#include <optional>
#include <variant>

namespace vnuma {
namespace {

using control::EventKind;
using control::Happening;

Happening about(EventKind kind, const Tick& tick, const std::string& guest, const CellKey& key) {
    Happening happening;
    happening.kind = kind;
    happening.time_ms = tick.time_ms;
    happening.guest = guest;
    happening.uuid = key.uuid;
    happening.cell = key.cell;
    if (key.shard != CellKey::whole) happening.shard = key.shard;
    return happening;
}

int node_id(const Tick& tick, NodeIndex node) {
    return tick.snapshot.topology.nodes.at(node).id;
}

const GuestState* find_guest(const Tick& tick, const std::string& uuid) {
    for (const GuestState& guest : tick.snapshot.guests)
        if (guest.uuid == uuid) return &guest;
    return nullptr;
}

// Verdicts are ordered by key.
const Verdict* find_verdict(const Tick& tick, const CellKey& key) {
    const auto& verdicts = tick.plan.verdicts;
    const auto found =
        std::lower_bound(verdicts.begin(), verdicts.end(), key,
                         [](const Verdict& v, const CellKey& wanted) { return v.key < wanted; });
    return found != verdicts.end() && found->key == key ? &*found : nullptr;
}

// The node that has most of the cell's memory that is to move.
std::optional<int> main_source(const Tick& tick, const GuestState* guest, const MoveMemory& move) {
    if (!guest) return std::nullopt;
    for (const CellState& cell : guest->cells) {
        if (cell.key.cell != move.key.cell) continue;
        std::optional<std::size_t> most;
        for (std::size_t n = 0; n < cell.residency.size(); ++n)
            if (n != move.to && cell.residency[n] > (most ? cell.residency[*most] : 0)) most = n;
        if (most) return node_id(tick, NodeIndex(*most));
    }
    return std::nullopt;
}

std::string in_mib(Bytes bytes) {
    return std::to_string((bytes + mib - 1) / mib) + " MiB";
}

// Why the move is over, as the end of a sentence; empty: all of it is done. Nothing: it goes on.
std::optional<std::string> why_over(const Tick& tick, const CellKey& key, NodeIndex to) {
    const Verdict* verdict = find_verdict(tick, key);
    if (!verdict)
        return find_guest(tick, key.uuid) ? "because the guest is divided differently now"
                                          : "because the guest is gone";
    if (!verdict->home) return "because there is no home for it now";
    if (verdict->home->memory_node() != to)
        return "because its memory belongs on node " +
               std::to_string(node_id(tick, verdict->home->memory_node())) + " now";
    if (verdict->home->to_move == 0) return "";
    if (!verdict->acts) return "because vnumad may not act on the guest now";
    return std::nullopt;
}

}  // namespace

std::vector<Happening> MoveHappenings::update(const Tick& tick) {
    std::vector<Happening> happenings;
    for (auto move = moves_.begin(); move != moves_.end();) {
        const auto why = why_over(tick, move->first, move->second.to);
        if (why) happenings.push_back(end(tick, move->first, move->second, *why));
        move = why ? moves_.erase(move) : std::next(move);
    }
    // The results are younger than the verdicts above.
    for (const ActionResult& result : tick.results) {
        const auto* move = std::get_if<MoveMemory>(&result.action);
        if (!move || result.bytes + result.unclear == 0) continue;
        auto known = moves_.find(move->key);
        if (known == moves_.end()) {
            happenings.push_back(begin(tick, *move));
            known = moves_
                        .emplace(move->key, Move{happenings.back().guest, move->to,
                                                 node_id(tick, move->to), 0, tick.time_ms})
                        .first;
        }
        known->second.moved += result.bytes;
    }
    return happenings;
}

Happening MoveHappenings::begin(const Tick& tick, const MoveMemory& move) const {
    const GuestState* guest = find_guest(tick, move.key.uuid);
    Happening happening =
        about(EventKind::move_began, tick, guest ? guest->name : move.key.uuid, move.key);
    happening.from = main_source(tick, guest, move);
    happening.to = node_id(tick, move.to);
    happening.bytes = move.bytes;
    happening.text = "a move of " + in_mib(move.bytes) + " to node " +
                     std::to_string(*happening.to) + " has begun";
    return happening;
}

Happening MoveHappenings::end(const Tick& tick, const CellKey& key, const Move& move,
                              const std::string& why) {
    Happening happening = about(EventKind::move_ended, tick, move.guest, key);
    happening.to = move.to_id;
    happening.bytes = move.moved;
    const std::int64_t seconds = std::max<std::int64_t>(tick.time_ms - move.since_ms, 0) / 1000;
    happening.text = "the move to node " + std::to_string(move.to_id) +
                     (why.empty() ? " is done" : " has ended, " + why) + ": " + in_mib(move.moved) +
                     " were moved in " + std::to_string(seconds) + " s";
    return happening;
}

}  // namespace vnuma
