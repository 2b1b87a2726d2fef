#include "src/act/actuator.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <set>

#include "guests/process/process.hpp"
#include "src/act/pace.hpp"
#include "src/act/run_blocking.hpp"

namespace vnuma {

namespace asio = boost::asio;
using std::chrono::steady_clock;

namespace {

// Of a cell the vCPUs of a shard; all where there is none.
CellSample part_of(const CellSample& cell, const std::vector<std::size_t>& vcpus) {
    CellSample part = cell;
    if (vcpus.empty()) return part;
    part.vcpus.clear();
    for (const std::size_t vcpu : vcpus)
        part.vcpus.push_back(cell.vcpus.at(vcpu));
    return part;
}

// Of hugetlb where all of it is of one size, of transparent ones otherwise.
std::uint64_t huge_page_of(const CellSample& cell) {
    constexpr std::int64_t transparent = 2 * mib;
    std::int64_t page = 0;
    for (const RamBlock& block : cell.blocks) {
        if (!block.hugetlb || (page != 0 && page != block.page_bytes)) return transparent;
        page = block.page_bytes;
    }
    return static_cast<std::uint64_t>(std::max(page, transparent));
}

}  // namespace

Actuator::Actuator(const Config& config, const Host& host, asio::thread_pool& pool, VcpuPins& pins)
    : config_(config), host_(host), pool_(pool), pins_(pins) {}

asio::awaitable<std::vector<ActionResult>> Actuator::apply(const Plan& plan,
                                                           const Topology& topology,
                                                           const Sample& sample,
                                                           steady_clock::time_point deadline) {
    const auto find = [&](const CellKey& key) {
        for (const GuestSample& guest : sample.guests)
            for (const CellSample& cell : guest.cells)
                if (guest.uuid == key.uuid && cell.id == key.cell) return Target{&guest, &cell};
        return Target{};
    };
    std::vector<ActionResult> results;
    std::vector<Move> moves;
    std::set<CellKey> unpinnable;
    for (const Action& action : plan.actions) {
        const Target target = find(key_of(action));
        if (!target.guest || !target.guest->process) {
            results.push_back({action, 0, "the guest is not in the sample"});
        } else if (steady_clock::now() >= deadline) {
            results.push_back({action, 0, ""});  // there was no time left
        } else if (const auto* pin_cell = std::get_if<PinCell>(&action)) {
            results.push_back(pin(*pin_cell, target));
            // Memory does not go where the vCPUs could not.
            if (!results.back().error.empty()) unpinnable.insert(pin_cell->key);
        } else if (std::holds_alternative<UnpinCell>(action)) {
            results.push_back(
                {action, 0,
                 pins_.release(part_of(*target.cell, std::get<UnpinCell>(action).vcpus))});
        } else if (!unpinnable.contains(key_of(action))) {
            const auto& move = std::get<MoveMemory>(action);
            moves.push_back(move_of(move, target, topology));
            moves.back().result = results.size();
            results.push_back({action, 0, ""});
        }
    }
    std::set<CellKey> going_on;
    for (const Move& move : moves)
        going_on.insert(key_of(results[move.result].action));
    // Where those that have to let others pass were.
    for (const Verdict& verdict : plan.verdicts)
        if (verdict.home && verdict.home->queued_behind > 0) going_on.insert(verdict.key);
    std::erase_if(movers_, [&](const auto& entry) { return !going_on.contains(entry.first); });
    co_await move_in_turns(moves, results, deadline);
    co_return results;
}

ActionResult Actuator::pin(const PinCell& action, const Target& target) {
    const CellSample cell = part_of(*target.cell, action.vcpus);
    return {action, 0, pins_.apply_pin(*target.guest->process, cell, host_, action.to)};
}

std::vector<RamRange> Actuator::memory_of(const MoveMemory& action, const Target& target) {
    if (action.key.shard == CellKey::whole) return host_ranges(*target.cell);
    std::vector<RamRange> ranges;
    std::set<int> vcpus;
    for (const std::size_t vcpu : action.vcpus)
        vcpus.insert(target.cell->vcpus.at(vcpu).id);
    const auto comes_along = [&](const OwnRange& range) {
        return range.vcpu == OwnRange::shared
                   ? std::binary_search(action.extents.begin(), action.extents.end(), range.extent)
                   : vcpus.contains(range.vcpu);
    };
    if (const auto& own = target.guest->tracking.own_ranges)
        for (const OwnRange& range : *own)
            if (comes_along(range)) ranges.push_back(range.memory);
    return ranges;
}

Actuator::Move Actuator::move_of(const MoveMemory& action, const Target& target,
                                 const Topology& topology) const {
    Move move;
    move.target = target;
    move.to = action.to;
    move.memory = memory_of(action, target);
    move.huge_page = huge_page_of(*target.cell);
    if (action.key.shard == CellKey::whole) move.hot = target.guest->tracking.hot_ranges;
    // A pool of huge pages gives what it has, whatever else the node has.
    const HostNode& node = topology.nodes[action.to];
    const auto& blocks = target.cell->blocks;
    if (std::none_of(blocks.begin(), blocks.end(), [](const auto& block) { return block.hugetlb; }))
        move.left_free = node.memory_total - filled_at_most(node, config_.planner);
    return move;
}

CellMover& Actuator::mover_for(const Move& move, const CellKey& key) {
    const int node_id = host_.topology.nodes[move.to].id;
    const auto known = movers_.find(key);
    static const std::vector<RamRange> nothing;
    const std::vector<RamRange>& hot = move.hot ? *move.hot : nothing;
    if (known != movers_.end() && known->second.serves(move.memory, hot, node_id))
        return known->second;
    return movers_.insert_or_assign(key, CellMover(move.memory, hot, node_id, move.huge_page))
        .first->second;
}

MoveStep Actuator::step(const Move& move, CellMover& mover) const {
    const HostNode& node = host_.topology.nodes[move.to];
    const Process& process = *move.target.guest->process;
    MoveStep refusal;
    refusal.finished = true;
    try {
        if (move.left_free > 0 && read_available(node.id) < move.left_free)
            refusal.error = "node " + std::to_string(node.id) + " is at its watermark";
    } catch (const HostError& error) {
        refusal.error = error.what();
    }
    if (!process.alive()) refusal.error = "the guest has ended";
    if (!refusal.error.empty()) return refusal;
    MoveStep done = mover.step(process, config_.call_time);
    // Its number may have been given away during the call: what happened then was not ours.
    if (process.alive()) return done;
    refusal.error = "the guest has ended";
    return refusal;
}

void Actuator::account(Move& move, ActionResult& result, const MoveStep& done) {
    result.bytes += done.bytes;
    result.error = done.error;
    move.finished = done.finished;
    if (!done.finished) return;
    const auto mover = movers_.find(key_of(result.action));
    // That some are busy at the end of a long move is no failure of that.
    if (result.error.empty() && mover->second.brought() == 0 && mover->second.refused() > 0)
        result.error = std::to_string(mover->second.refused()) +
                       " pages do not move: a device or another process holds them, or the node "
                       "has no page of their size";
    movers_.erase(mover);
}

// One step of each move in turn, so that no guest waits for another one's gigabytes.
asio::awaitable<void> Actuator::move_in_turns(std::vector<Move>& moves,
                                              std::vector<ActionResult>& results,
                                              steady_clock::time_point deadline) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (bool more = !moves.empty(); more;) {
        more = false;
        for (Move& move : moves) {
            if (move.finished) continue;
            timer.expires_at(std::min(rest_until_, deadline));
            co_await timer.async_wait(asio::use_awaitable);
            if (steady_clock::now() >= deadline) co_return;
            ActionResult& result = results[move.result];
            CellMover& mover = mover_for(move, key_of(result.action));
            auto one_step = [&, this] { return step(move, mover); };
            const MoveStep done = co_await run_blocking(pool_, one_step);
            rest_until_ =
                steady_clock::now() + rest_after(done.bytes, done.took, config_.planner.pace);
            account(move, result, done);
            more = more || !move.finished;
        }
    }
}

}  // namespace vnuma
