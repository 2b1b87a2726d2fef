#include "src/act/memory_moves.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "guests/model/huge_pages.hpp"
#include "src/act/pace.hpp"
#include "src/act/run_blocking.hpp"
#include "src/observe/host.hpp"

namespace vnuma {

namespace asio = boost::asio;

namespace {

// Returns all memory of a cell. For a shard, returns what its vCPUs alone access and the extents
// that come with it.
std::vector<RamRange> memory_of(const MoveMemory& action, const GuestSample& guest,
                                const CellSample& cell) {
    if (action.key.shard == CellKey::whole) return host_ranges(cell);
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
    : config_(config), kernel_(kernel), clock_(clock), pool_(pool) {}

// Movers go on in the next tick: those of this plan's moves, and those that have to wait in it.
void MemoryMoves::follow(const Plan& plan, const Sample& sample) {
    std::set<CellKey> going_on;
    for (const Action& action : plan.actions)
        if (std::holds_alternative<MoveMemory>(action)) going_on.insert(key_of(action));
    for (const Verdict& verdict : plan.verdicts)
        if (verdict.home && verdict.home->queued_behind > 0) going_on.insert(verdict.key);
    std::erase_if(movers_, [&](const auto& entry) { return !going_on.contains(entry.first); });
    std::set<std::string> guests;
    for (const GuestSample& guest : sample.guests)
        guests.insert(guest.uuid);
    std::erase_if(failing_, [&](const auto& entry) { return !guests.contains(entry.first.uuid); });
}

MemoryMoves::Move MemoryMoves::move_of(const MoveOrder& order) const {
    Move move;
    move.order = order;
    move.memory = memory_of(*order.action, *order.guest, *order.cell);
    move.huge_page = static_cast<std::uint64_t>(uniform_huge_page_bytes(order.cell->blocks));
    if (order.action->key.shard == CellKey::whole) move.hot = order.guest->tracking.hot_ranges;
    // A pool of huge pages has a limit of its own, whatever else is free on the node.
    const auto& blocks = order.cell->blocks;
    if (std::none_of(blocks.begin(), blocks.end(), [](const auto& block) { return block.hugetlb; }))
        move.left_free = order.node->memory_total - max_used_memory(*order.node, config_.planner);
    return move;
}

CellMover& MemoryMoves::mover_for(const Move& move) {
    static const std::vector<RamRange> nothing;
    const std::vector<RamRange>& hot = move.hot ? *move.hot : nothing;
    const int to = move.order.node->id;
    const auto known = movers_.find(move.key());
    if (known != movers_.end() && known->second.serves(move.memory, hot, to)) return known->second;
    return movers_.insert_or_assign(move.key(), CellMover(move.memory, hot, to, move.huge_page))
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
    return failing_
        .insert_or_assign(move.key(), Failing{start_time, to, FailingRanges(move.huge_page)})
        .first->second.ranges;
}

MoveStep MemoryMoves::step(const Move& move, CellMover& mover, FailingRanges& failing) const {
    const Process& process = *move.order.guest->process;
    MoveStep refusal;
    refusal.finished = true;
    try {
        if (move.left_free > 0 && kernel_.read_available(move.order.node->id) < move.left_free)
            refusal.error = "node " + std::to_string(move.order.node->id) + " is at its watermark";
    } catch (const HostError& error) {
        refusal.error = error.what();
    }
    if (!kernel_.is_alive(process)) refusal.error = "the guest has ended";
    if (!refusal.error.empty()) return refusal;
    MoveStep done = mover.step(kernel_, process, failing, {config_.call_time, clock_.now()});
    // The kernel knows a number only. If the guest has ended meanwhile, the number may have been
    // another process's, and what happened is not counted.
    if (kernel_.is_alive(process)) return done;
    refusal.error = "the guest has ended";
    return refusal;
}

void MemoryMoves::account(Move& move, ActionResult& result, const MoveStep& done) {
    result.bytes += done.bytes;
    result.error = done.error;
    move.finished = done.finished;
    if (!done.finished) return;
    const auto mover = movers_.find(move.key());
    // A few busy pages at the end of a long move are no failure.
    if (result.error.empty() && mover->second.brought() == 0)
        result.error = describe_stay(mover->second.refused(), failing_of(move), clock_.now());
    movers_.erase(mover);
}

// One step of each move in turn, so that no guest waits for another one's gigabytes.
asio::awaitable<void> MemoryMoves::carry_out(const std::vector<MoveOrder>& orders,
                                             std::vector<ActionResult>& results,
                                             const WhyNot& why_not, Clock::Time deadline) {
    std::vector<Move> moves;
    for (const MoveOrder& order : orders)
        moves.push_back(move_of(order));
    for (bool more = !moves.empty(); more;) {
        more = false;
        for (Move& move : moves) {
            if (move.finished) continue;
            co_await clock_.wait_until(std::min(rest_until_, deadline));
            ActionResult& result = results[move.order.result];
            const std::string too_late = why_not(*move.order.guest);
            if (!too_late.empty()) {
                if (!move.begun) result.skipped = too_late;
                move.finished = true;
                continue;
            }
            move.begun = true;
            CellMover& mover = mover_for(move);
            FailingRanges& failing = failing_of(move);
            auto one_step = [&, this] { return step(move, mover, failing); };
            const MoveStep done = co_await run_blocking(pool_, one_step);
            rest_until_ = clock_.now() + rest_after(done.tried, done.took, config_.planner.pace);
            account(move, result, done);
            more = more || !move.finished;
        }
    }
}

}  // namespace vnuma
