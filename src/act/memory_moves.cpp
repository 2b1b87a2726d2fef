#include "src/act/memory_moves.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "guests/model/huge_pages.hpp"
#include "src/act/pace.hpp"
#include "src/act/run_blocking.hpp"
#include "src/act/vcpu_times.hpp"
#include "src/observe/page_size_limit.hpp"

namespace vnuma {

namespace asio = boost::asio;

namespace {

// Why a move that came to the end of the memory brought nothing; empty if nothing was to come.
std::string describe_stay(int refused, const FailingRanges& failing, Clock::Time now) {
    const FailingRanges::Waiting waiting = failing.waiting(now);
    if (refused == 0 && waiting.bytes == 0) return "";
    const std::string reason =
        " not move: a device or another process holds them, or the node has no page of their size";
    if (waiting.bytes == 0) return std::to_string(refused) + " pages do" + reason;
    const auto wait = std::chrono::ceil<std::chrono::seconds>(waiting.until - now);
    return "pages in " + std::to_string(waiting.bytes / mib) + " MiB did" + reason +
           "; they are left alone for " + std::to_string(wait.count()) + " s or more";
}

}  // namespace

MemoryMoves::MemoryMoves(const Config& config, Kernel& kernel, Clock& clock,
                         asio::thread_pool& pool)
    : config_(config),
      kernel_(kernel),
      clock_(clock),
      pool_(pool),
      target_memory_(kernel, config.planner) {}

// Movers go on in the next tick: those of this plan's moves, and those that have to wait in it.
void MemoryMoves::follow(const Plan& plan, const Sample& sample) {
    std::set<CellKey> going_on;
    for (const Action& action : plan.actions)
        if (std::holds_alternative<MoveMemory>(action)) going_on.insert(key_of(action));
    for (const Verdict& verdict : plan.verdicts)
        if (verdict.home && verdict.home->queued_behind > 0) going_on.insert(verdict.key);
    std::erase_if(movers_,
                  [&](const auto& entry) { return !going_on.contains(entry.first.first); });
    follow_guests(sample);
}

// Another process is another guest.
void MemoryMoves::follow_guests(const Sample& sample) {
    std::map<std::string, Guest> guests;
    for (const GuestSample& one : sample.guests) {
        const auto known = guests_.find(one.uuid);
        if (!one.process) {
            if (known != guests_.end()) guests.insert(guests_.extract(known));
            continue;
        }
        const std::uint64_t start_time = one.process->start_time();
        Guest& guest =
            known != guests_.end() && known->second.start_time == start_time
                ? guests.insert(guests_.extract(known)).position->second
                : guests.emplace(one.uuid, Guest{start_time, {}, 0, LatencyGuard(config_.felt)})
                      .first->second;
        guest.guard.add_look(sum_times(one, sample.time));
    }
    guests_ = std::move(guests);
    std::erase_if(failing_,
                  [&](const auto& entry) { return !guests_.contains(entry.first.first.uuid); });
}

std::map<std::string, GuestMoves> MemoryMoves::by_guest() const {
    std::map<std::string, GuestMoves> all;
    const Clock::Time now = clock_.now();
    for (const auto& [uuid, guest] : guests_)
        all[uuid] = {guest.slow_calls, guest.guard.pace(now), guest.guard.slowdown(),
                     guest.guard.pauses(), guest.guard.describe(now)};
    return all;
}

// What is of pages that are too large is left out, and the result says so.
std::vector<MemoryMoves::Move> MemoryMoves::moves_of(const std::vector<MoveOrder>& orders,
                                                     std::vector<ActionResult>& results) const {
    std::vector<Move> moves;
    for (const MoveOrder& order : orders) {
        std::string too_large;
        const std::size_t before = moves.size();
        for (MovePart& part : parts_of(*order.action, *order.guest, *order.cell)) {
            const std::string why = why_page_too_large(part.hugetlb_page, config_.call_time);
            if (!why.empty()) {
                too_large = why;
                continue;
            }
            Move& move = moves.emplace_back();
            move.order = order;
            move.part = std::move(part);
            if (order.action->key.shard == CellKey::whole)
                move.hot = order.guest->tracking.hot_ranges;
        }
        if (!too_large.empty()) results[order.result].limits.insert("memory.call_time");
        if (moves.size() == before) results[order.result].skipped = too_large;
    }
    return moves;
}

CellMover& MemoryMoves::mover_for(const Move& move) {
    static const std::vector<RamRange> nothing;
    const std::vector<RamRange>& hot = move.hot ? *move.hot : nothing;
    const std::vector<RamRange>& memory = move.part.memory;
    const int to = move.order.node->id;
    const auto known = movers_.find(move.key());
    if (known != movers_.end() && known->second.serves(memory, hot, to)) return known->second;
    return movers_.insert_or_assign(move.key(), CellMover(memory, hot, to, move.part.hugetlb_page))
        .first->second;
}

// Another process has other memory, and another node may have the room that one has not.
FailingRanges& MemoryMoves::failing_of(const Move& move) {
    const std::uint64_t start_time = move.order.guest->process->start_time();
    const int to = move.order.node->id;
    const auto known = failing_.find(move.key());
    if (known != failing_.end() && known->second.start_time == start_time &&
        known->second.to_node_id == to)
        return known->second.ranges;
    const Bytes range = std::max(move.part.hugetlb_page, transparent_huge_page_bytes);
    return failing_
        .insert_or_assign(move.key(),
                          Failing{start_time, to, FailingRanges(static_cast<std::uint64_t>(range))})
        .first->second.ranges;
}

// Blocks.
void MemoryMoves::watch(Guest& guest, const GuestSample& sample) {
    if (!guest.guard.is_due(clock_.now())) return;
    if (const auto reading = read_times(kernel_, sample, clock_.now()))
        guest.guard.add_moving(*reading);
    else
        guest.guard.end_moving();
}

MoveStep MemoryMoves::step(const Move& move, CellMover& mover, FailingRanges& failing) {
    const Process& process = *move.order.guest->process;
    const Clock::Time now = clock_.now();
    const auto room = target_memory_.read(*move.order.node, move.part.hugetlb_page, now);
    MoveStep refusal;
    refusal.finished = true;
    refusal.error = room.refusal;
    if (!kernel_.is_alive(process)) refusal.error = "the guest has ended";
    if (!refusal.error.empty()) return refusal;
    Guest& guest = guests_.at(move.order.guest->uuid);
    watch(guest, *move.order.guest);
    if (guest.guard.pace(now) >= LatencyGuard::Pace::paused) return {};
    MoveStep done = mover.step(kernel_, process, failing, {config_.call_time, room.bytes, now});
    watch(guest, *move.order.guest);
    // The kernel knows a number only. If the guest has ended meanwhile, the number may have been
    // another process's, and what happened is not counted.
    if (kernel_.is_alive(process)) return done;
    refusal.error = "the guest has ended";
    return refusal;
}

// By the rates, by the time that the call took, and by what the guest feels.
void MemoryMoves::rest(Guest& guest, const MoveStep& done, ActionResult& result) {
    if (done.tried == 0 && done.took.count() == 0) return;  // there was nothing to move
    const Bytes rate = config_.planner.pace;
    const auto of_all = rest_after(done.tried, done.took, rate);
    const auto of_guest = rest_after(done.tried, done.took, std::min(rate, config_.guest_rate));
    const int slowdown = guest.guard.slowdown();
    rest_until_ = clock_.now() + of_all;
    guest.rest_until = clock_.now() + (done.took + of_guest) * slowdown - done.took;
    result.limits.insert(slowdown > 1                              ? "memory.felt"
                         : of_guest > of_all                       ? "memory.guest_rate"
                         : of_all > done.took / least_rest_divisor ? "memory.rate"
                                                                   : "share of time");
    if (done.took > config_.call_time) result.limits.insert("memory.call_time");
    if (done.took > config_.call_time * slow_call_factor) ++guest.slow_calls;
}

void MemoryMoves::account(Move& move, ActionResult& result, const MoveStep& done) {
    result.bytes += done.bytes;
    result.unclear += done.unclear;
    if (result.error.empty()) result.error = done.error;
    move.finished = done.finished;
    if (!done.finished) return;
    const auto mover = movers_.find(move.key());
    // A few busy pages at the end of a long move are no failure.
    if (result.error.empty() && mover->second.brought() == 0)
        result.error = describe_stay(mover->second.refused(), failing_of(move), clock_.now());
    movers_.erase(mover);
    const std::string& uuid = move.order.guest->uuid;
    const bool all_finished = std::none_of(movers_.begin(), movers_.end(), [&](const auto& entry) {
        return entry.first.first.uuid == uuid;
    });
    if (result.error.empty() && all_finished) guests_.at(uuid).guard.finish();
}

// Whether the guest's memory stays where it is for now, since the guest feels its moves. That is a
// failure only if it is to stay for long, so that other moves take its place in the plan.
bool MemoryMoves::leaves(const Guest& guest, Move& move, ActionResult& result) const {
    const Clock::Time now = clock_.now();
    const LatencyGuard::Pace pace = guest.guard.pace(now);
    if (pace < LatencyGuard::Pace::paused) return false;
    result.limits.insert("memory.felt");
    if (pace == LatencyGuard::Pace::stays && result.error.empty())
        result.error = guest.guard.describe(now);
    if (pace == LatencyGuard::Pace::paused && !move.begun)
        result.skipped = guest.guard.describe(now);
    move.finished = true;
    return true;
}

// Why no memory moves now; empty if it may.
asio::awaitable<std::string> MemoryMoves::why_pressed() {
    if (pressure_.is_due(clock_.now())) {
        auto read = [this] { return kernel_.read_host_pressure(); };
        pressure_.update(co_await run_blocking(pool_, read), clock_.now());
    }
    co_return pressure_.why_closed(clock_.now());
}

// The move whose turn it is, from index `turn` on, or the one that may go on first; null if all are
// finished. A guest that rests holds up nobody else.
MemoryMoves::Move* MemoryMoves::next(std::vector<Move>& moves, std::size_t& turn) const {
    const Clock::Time soonest = std::max(rest_until_, clock_.now());
    std::size_t best = moves.size();
    Clock::Time best_time{};
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const std::size_t at = (turn + i) % moves.size();
        if (moves[at].finished) continue;
        const Guest& guest = guests_.at(moves[at].order.guest->uuid);
        const Clock::Time time = std::max(guest.rest_until, soonest);
        if (best < moves.size() && time >= best_time) continue;
        best = at;
        best_time = time;
    }
    if (best == moves.size()) return nullptr;
    turn = best + 1;
    return &moves[best];
}

// One step of each move in turn, so that no guest waits for another one's gigabytes.
asio::awaitable<void> MemoryMoves::carry_out(const std::vector<MoveOrder>& orders,
                                             std::vector<ActionResult>& results,
                                             const WhyNot& why_not, Clock::Time deadline) {
    std::vector<Move> moves = moves_of(orders, results);
    std::size_t turn = 0;
    while (Move* move = next(moves, turn)) {
        Guest& guest = guests_.at(move->order.guest->uuid);
        co_await clock_.wait_until(std::min(std::max(rest_until_, guest.rest_until), deadline));
        ActionResult& result = results[move->order.result];
        if (leaves(guest, *move, result)) continue;
        std::string why = co_await why_not(*move->order.guest);
        if (why.empty()) {
            why = co_await why_pressed();
            if (!why.empty()) result.limits.insert("memory pressure");
        }
        if (!why.empty()) {
            if (!move->begun) result.skipped = why;
            move->finished = true;
            continue;
        }
        move->begun = true;
        CellMover& mover = mover_for(*move);
        FailingRanges& failing = failing_of(*move);
        auto one_step = [&, this] { return step(*move, mover, failing); };
        const MoveStep done = co_await run_blocking(pool_, one_step);
        rest(guest, done, result);
        account(*move, result, done);
    }
    for (auto& [uuid, guest] : guests_)
        guest.guard.end_moving();
}

}  // namespace vnuma
