#include "src/actuator.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "src/blocking.hpp"
#include "src/pace.hpp"

namespace vnuma {

namespace asio = boost::asio;
using std::chrono::steady_clock;

Actuator::Actuator(const Config& config, const Host& host, asio::thread_pool& pool, Pins& pins)
    : config_(config), host_(host), pool_(pool), pins_(pins) {}

asio::awaitable<std::vector<ActionResult>> Actuator::apply(const Plan& plan, const Sample& sample,
                                                           steady_clock::time_point deadline) {
    const auto find = [&](const CellKey& key) {
        for (const GuestSample& guest : sample.guests)
            for (const CellSample& cell : guest.cells)
                if (guest.uuid == key.uuid && cell.id == key.cell) return Target{&guest, &cell};
        return Target{};
    };
    std::vector<ActionResult> results;
    std::vector<Move> moves;
    for (const Action& action : plan.actions) {
        const Target target = find(key_of(action));
        if (!target.guest || !target.guest->process) {
            results.push_back({action, 0, "the guest is not in the sample"});
        } else if (const auto* pin_cell = std::get_if<PinCell>(&action)) {
            results.push_back(pin(*pin_cell, target));
        } else {
            moves.push_back({results.size(), target, std::get<MoveMemory>(action).to, false});
            results.push_back({action, 0, ""});
        }
    }
    std::erase_if(movers_, [&](const auto& entry) {
        return std::none_of(moves.begin(), moves.end(), [&](const Move& move) {
            return key_of(results[move.result].action) == entry.first;
        });
    });
    co_await move_in_turns(moves, results, deadline);
    co_return results;
}

ActionResult Actuator::pin(const PinCell& action, const Target& target) {
    return {action, 0, pins_.apply_pin(*target.guest->process, *target.cell, host_, action.to)};
}

CellMover& Actuator::mover_for(const Move& move, const CellKey& key) {
    const int node_id = host_.topology.nodes[move.to].id;
    const auto known = movers_.find(key);
    if (known != movers_.end() && known->second.serves(move.target.cell->ranges, node_id))
        return known->second;
    return movers_.insert_or_assign(key, CellMover(move.target.cell->ranges, node_id))
        .first->second;
}

MoveStep Actuator::step(const Move& move, CellMover& mover) const {
    const HostNode& node = host_.topology.nodes[move.to];
    const Process& process = *move.target.guest->process;
    if (read_available(node.id) < node.memory_total / 1000 * config_.planner.watermark)
        return {0, {}, true, "node " + std::to_string(node.id) + " is at its watermark"};
    if (!process.alive()) return {0, {}, true, "the guest has ended"};
    MoveStep done = mover.step(process, config_.call_time);
    // Its number may have been given away during the call: what happened then was not ours.
    if (!process.alive()) return {0, done.took, true, "the guest has ended"};
    return done;
}

// One step of each move in turn, so that no guest waits for another one's gigabytes.
asio::awaitable<void> Actuator::move_in_turns(std::vector<Move>& moves,
                                              std::vector<ActionResult>& results,
                                              steady_clock::time_point deadline) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    bool more = !moves.empty();
    while (more) {
        more = false;
        for (Move& move : moves) {
            if (move.finished || steady_clock::now() >= deadline) continue;
            ActionResult& result = results[move.result];
            CellMover& mover = mover_for(move, key_of(result.action));
            auto one_step = [&, this] { return step(move, mover); };
            const MoveStep done = co_await run_blocking(pool_, one_step);
            result.bytes += done.bytes;
            result.error = done.error;
            move.finished = done.finished;
            if (done.finished) movers_.erase(key_of(result.action));
            more = more || !done.finished;
            timer.expires_after(rest_after(done.bytes, done.took, config_.planner.pace));
            co_await timer.async_wait(asio::use_awaitable);
        }
        more = more && steady_clock::now() < deadline;
    }
}

}  // namespace vnuma
