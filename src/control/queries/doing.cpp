// What is being done with a guest.
#include <algorithm>

#include "policy/verdict/explain.hpp"
#include "src/control/queries/cells.hpp"
#include "src/control/queries/guests.hpp"

namespace vnuma::control {
namespace {

// Why the guest's memory stays for now although it is to move; empty if it does not.
std::string why_paused(const Tick& tick, const std::string& uuid) {
    const auto moves = tick.moves.find(uuid);
    if (moves == tick.moves.end()) return "";
    const auto pace = moves->second.pace;
    const bool paused = pace == LatencyGuard::Pace::paused || pace == LatencyGuard::Pace::stays;
    return paused ? moves->second.felt : "";
}

// What holds for all of the guest, whatever its cells need.
std::optional<DoingAndWhy> doing_of_all(const Tick& tick, const GuestState& guest) {
    const auto left = tick.hands_off.find(guest.uuid);
    if (guest.policy.mode == Mode::off) return DoingAndWhy{Doing::off};
    if (!guest.unsteady.empty()) {
        const bool for_good = left != tick.hands_off.end() && left->second.cpus == guest.unsteady;
        return DoingAndWhy{for_good ? Doing::hands_off : Doing::unsteady, guest.unsteady};
    }
    if (tick.mode < Mode::act)
        return DoingAndWhy{Doing::observed,
                           std::string("the mode of vnumad is ") + name(tick.mode)};
    if (guest.policy.mode < Mode::act)
        return DoingAndWhy{Doing::observed,
                           std::string("the mode of its policy is ") + name(guest.policy.mode)};
    return std::nullopt;
}

bool is_under_way(const ActionResult* result) {
    return result && result->error.empty() && result->skipped.empty();
}

// Only cells that wait need this sentence, which takes longer to make than all else here.
std::string why_waiting(const Tick& tick, const Verdict& verdict) {
    return tick.frozen.empty() ? explain(verdict, tick.snapshot.topology) : tick.frozen;
}

// A cell whose home is known, and that is not all there yet.
DoingAndWhy doing_on_the_way(const Tick& tick, const Verdict& verdict) {
    const CellResults results = results_of(tick, verdict.key);
    for (const ActionResult* result : {results.move, results.pin}) {
        if (!result) continue;
        if (!result->error.empty()) return {Doing::waiting, result->error};
        if (!result->skipped.empty()) return {Doing::waiting, result->skipped};
    }
    if (is_under_way(results.move) || is_under_way(results.pin)) return {Doing::moving};
    return {Doing::waiting, why_waiting(tick, verdict)};
}

DoingAndWhy doing_of_cell(const Tick& tick, const CellView& view, const std::string& paused) {
    const Verdict& verdict = *view.verdict;
    switch (verdict.reason) {
        case Reason::settled:
        case Reason::one_node:
        case Reason::split:
            return {Doing::at_home};
        case Reason::roams:
            return {Doing::roaming};
        case Reason::off:
            return {Doing::off};
        case Reason::unsteady:
            return {Doing::unsteady, verdict.detail};
        case Reason::settling:
        case Reason::first_home:
        case Reason::better_home:
        case Reason::made_way:
        case Reason::relief:
        case Reason::with_group:
        case Reason::displaced:
            if (!paused.empty() && verdict.home && verdict.home->to_move > 0)
                return {Doing::paused, paused};
            return doing_on_the_way(tick, verdict);
        case Reason::not_allowed:
        case Reason::too_large:
        case Reason::no_room:
        case Reason::kept_apart:
            break;
        case Reason::retry_later:
            if (!paused.empty()) return {Doing::paused, paused};
            break;
    }
    return {Doing::waiting, why_waiting(tick, verdict)};
}

}  // namespace

DoingAndWhy find_doing(const Tick& tick, std::size_t guest) {
    const GuestState& state = tick.snapshot.guests.at(guest);
    if (auto all = doing_of_all(tick, state)) return *all;
    const std::string paused = why_paused(tick, state.uuid);
    DoingAndWhy first{Doing::at_home};
    for (const CellView& view : cells_of(tick, guest)) {
        if (!view.verdict) continue;
        DoingAndWhy one = doing_of_cell(tick, view, paused);
        if (one.doing < first.doing) first = std::move(one);
    }
    const auto left = tick.hands_off.find(state.uuid);
    if (left != tick.hands_off.end() && first.doing > Doing::hands_off)
        return {Doing::hands_off,
                left->second.cpus.empty() ? left->second.memory : left->second.cpus};
    return first;
}

}  // namespace vnuma::control
