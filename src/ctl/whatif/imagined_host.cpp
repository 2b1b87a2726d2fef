#include "src/ctl/whatif/imagined_host.hpp"

#include <algorithm>

#include "policy/learn.hpp"
#include "policy/planner.hpp"
#include "src/ctl/whatif/imagined_guest.hpp"
#include "src/ctl/whatif/locality.hpp"

namespace vnuma::ctl {
namespace {

// Moves between two nodes that are nearly full make room for each other. This limits how often they
// take turns within a tick.
constexpr int max_turns = 64;

GuestState* find_guest(Snapshot& snapshot, const std::string& uuid) {
    const auto found = std::find_if(snapshot.guests.begin(), snapshot.guests.end(),
                                    [&](const GuestState& guest) { return guest.uuid == uuid; });
    return found == snapshot.guests.end() ? nullptr : &*found;
}

Bytes bytes_within(Millis length, Bytes pace) {
    return pace / 1000 * length;
}

bool is_running(const GuestState& guest) {
    return guest.unsteady.empty();
}

}  // namespace

double ImaginedResult::all_contention() const {
    double sum = 0;
    for (const auto& [node, contention] : contention)
        sum += contention;
    return sum;
}

void ImaginedHost::step(const Record& recorded) {
    const Millis length = recorded.snapshot.now - snapshot_.now;
    if (result_.ticks == 0 || length <= 0) {
        if (result_.ticks > 0) count_tick(last_length_);
        begin(recorded);
    } else {
        last_length_ = std::min(length, longest_tick);
        count_tick(last_length_);
        carry_out_moves(last_length_);
        imagine(recorded.snapshot);
    }
    settings_ = recorded.settings;
    plan_ = plan(snapshot_, history_, settings_);
    ++result_.ticks;
    count_plan();
    carry_out_pins();
}

const ImaginedResult& ImaginedHost::finish() {
    if (result_.ticks > 0) count_tick(last_length_);
    return result_;
}

void ImaginedHost::begin(const Record& recorded) {
    history_ = recorded.history;
    snapshot_ = recorded.snapshot;
}

void ImaginedHost::carry_out_pins() {
    for (const Action& action : plan_.actions) {
        GuestState* guest = find_guest(snapshot_, key_of(action).uuid);
        if (!guest) continue;
        if (const auto* pin = std::get_if<PinCell>(&action)) carry_out(*pin, *guest);
        if (const auto* unpin = std::get_if<UnpinCell>(&action)) carry_out(*unpin, *guest);
    }
}

void ImaginedHost::carry_out_moves(Millis length) {
    std::vector<ActionResult> results;
    for (const Action& action : plan_.actions)
        results.push_back({action, 0, ""});
    Bytes left = bytes_within(length, settings_.pace), arrived = 1;
    for (int turn = 0; turn < max_turns && left > 0 && arrived > 0; ++turn) {
        arrived = 0;
        for (ActionResult& result : results) {
            const auto* move = std::get_if<MoveMemory>(&result.action);
            GuestState* guest = move ? find_guest(snapshot_, move->key.uuid) : nullptr;
            if (!guest) continue;
            const Bytes most = std::min(left, move->bytes - result.bytes);
            const Bytes bytes = carry_out(*move, *guest, snapshot_.topology, settings_, most);
            result.bytes += bytes, left -= bytes, arrived += bytes;
        }
    }
    for (const ActionResult& result : results) {
        result_.figures.moved += result.bytes;
        result_.guests[key_of(result.action).uuid].figures.moved += result.bytes;
    }
    history_ = learn(std::move(history_), snapshot_, plan_, results);
}

void ImaginedHost::imagine(const Snapshot& recorded) {
    Snapshot now = recorded;
    std::map<std::string, const GuestState*> before;
    // A host that has other nodes than before has been changed by hand: its memory is as recorded.
    if (snapshot_.topology.nodes.size() == recorded.topology.nodes.size())
        for (const GuestState& guest : snapshot_.guests)
            before[guest.uuid] = &guest;
    for (GuestState& guest : now.guests) {
        const auto known = before.find(guest.uuid);
        if (known != before.end())
            guest = carried_over(std::move(guest), *known->second, now.topology);
    }
    account_for(recorded.guests, now.guests, now.topology);
    snapshot_ = std::move(now);
}

void ImaginedHost::count_plan() {
    for (const GuestState& guest : snapshot_.guests) {
        ImaginedGuestResult& known = result_.guests[guest.uuid];
        known.name = guest.name;
        known.homes.clear();
    }
    for (const Verdict& verdict : plan_.verdicts) {
        ImaginedGuestResult& guest = result_.guests[verdict.key.uuid];
        const auto node = verdict.home_node();
        if (verdict.reason != Reason::split)
            guest.homes[verdict.key] =
                node ? std::optional(snapshot_.topology.nodes[*node].id) : std::nullopt;
        if (!verdict.acts || !verdict.former_node()) continue;
        ++guest.figures.home_changes;
        ++result_.figures.home_changes;
    }
}

void ImaginedHost::count_tick(Millis length) {
    const Topology& topology = snapshot_.topology;
    std::vector<double> use;
    for (const HostNode& node : topology.nodes)
        use.push_back(static_cast<double>(node.other_use));
    for (const GuestState& guest : snapshot_.guests)
        for (const CellState& cell : guest.cells) {
            const std::vector<PerMille> running = running_shares(topology, guest, cell);
            for (std::size_t n = 0; n < use.size(); ++n)
                use[n] += static_cast<double>(cell.cpu_use * running[n]) / 1000;
            if (!is_running(guest)) continue;
            const double run = static_cast<double>(cell.cpu_use * length);
            const double local =
                run * static_cast<double>(local_share(topology, guest, cell)) / 1000;
            for (Locality* sum :
                 {&result_.figures.locality, &result_.guests[guest.uuid].figures.locality})
                sum->run += run, sum->local += local;
        }
    for (std::size_t n = 0; n < use.size(); ++n)
        result_.contention[topology.nodes[n].id] +=
            std::max(use[n] - static_cast<double>(topology.nodes[n].cpu_capacity), 0.0) *
            static_cast<double>(length);
    result_.time += length;
}

}  // namespace vnuma::ctl
