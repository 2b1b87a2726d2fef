#include "src/act/actuator.hpp"

#include <algorithm>
#include <set>

#include "guests/model/huge_pages.hpp"
#include "policy/model/number_list.hpp"
#include "src/act/pace.hpp"
#include "src/act/run_blocking.hpp"

namespace vnuma {

namespace asio = boost::asio;

namespace {

// Returns the cell with the vCPUs of one shard only, or with all of them if `vcpus` is empty.
CellSample part_of(const CellSample& cell, const std::vector<std::size_t>& vcpus) {
    CellSample part = cell;
    if (vcpus.empty()) return part;
    part.vcpus.clear();
    for (const std::size_t vcpu : vcpus)
        part.vcpus.push_back(cell.vcpus.at(vcpu));
    return part;
}

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

}  // namespace

Actuator::Actuator(const Config& config, Kernel& kernel, Journal& journal, Clock& clock,
                   asio::thread_pool& pool)
    : config_(config),
      kernel_(kernel),
      clock_(clock),
      pool_(pool),
      freeze_(config.state_directory),
      pins_(kernel, journal) {}

asio::awaitable<std::vector<ActionResult>> Actuator::apply(const Plan& plan, const Look& look,
                                                           const Host& host, Clock::Time deadline) {
    std::vector<ActionResult> results;
    if (!kernel_.acts()) co_return results;
    auto forget_ended = [&] {
        pins_.forget_ended(look.sample);
        return true;
    };
    co_await run_blocking(pool_, forget_ended);
    const auto find = [&](const CellKey& key) {
        for (const GuestSample& guest : look.sample.guests)
            for (const CellSample& cell : guest.cells)
                if (guest.uuid == key.uuid && cell.id == key.cell) return Target{&guest, &cell};
        return Target{};
    };
    std::vector<Move> moves;
    std::set<CellKey> unpinnable;
    for (const Action& action : plan.actions) {
        const Target target = find(key_of(action));
        const auto* move = std::get_if<MoveMemory>(&action);
        ActionResult& result = results.emplace_back(ActionResult{action, 0, "", ""});
        result.skipped = why_not(target, deadline);
        if (!result.skipped.empty()) continue;
        if (!move) {
            result = co_await pin(action, target, host);
            if (!result.error.empty()) unpinnable.insert(key_of(action));
        } else if (unpinnable.contains(move->key)) {
            result.skipped = "memory does not move to where its vCPUs could not be pinned";
        } else {
            moves.push_back(move_of(*move, target, look.host.topology.nodes[move->to]));
            moves.back().result = results.size() - 1;
        }
    }
    auto pin_others = [&] {
        pin_groups(plan, look, host);
        return true;
    };
    co_await run_blocking(pool_, pin_others);
    forget_movers(plan);
    co_await move_in_turns(moves, results, deadline);
    co_return results;
}

std::string Actuator::why_frozen() const {
    return freeze_.is_on() ? "vnumad is frozen: " + freeze_.file() + " exists" : "";
}

// Why nothing may be done to the guest now; empty when something may.
std::string Actuator::why_not(const Target& target, Clock::Time deadline) const {
    if (!target.guest || !target.guest->process) return "the guest is not in the sample";
    if (std::string frozen = why_frozen(); !frozen.empty()) return frozen;
    const Clock::Time now = clock_.now();
    if (now >= deadline) return "the tick is over";
    const auto age = now - target.guest->read_at;
    if (age < max_reading_age) return "";
    return "the guest was read " +
           std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(age).count()) +
           " ms ago, and nothing acts on what is older than " +
           std::to_string(max_reading_age.count()) + " s";
}

asio::awaitable<ActionResult> Actuator::pin(const Action& action, const Target& target,
                                            const Host& host) {
    auto change = [&]() -> std::string {
        if (const auto* pin = std::get_if<PinCell>(&action)) {
            const CellSample part = part_of(*target.cell, pin->vcpus);
            return pins_.pin(*target.guest, vcpus_of(*target.guest, part), host.cpus[pin->to],
                             host.online());
        }
        const CellSample part = part_of(*target.cell, std::get<UnpinCell>(action).vcpus);
        return pins_.release(vcpus_of(*target.guest, part));
    };
    std::string error = co_await run_blocking(pool_, change);
    co_return ActionResult{action, 0, std::move(error), ""};
}

// The threads that serve a guest go with its vCPUs: over the nodes of all of its homes. They are
// given back when none of its vCPUs is pinned any more.
void Actuator::pin_groups(const Plan& plan, const Look& look, const Host& host) {
    group_problems_.clear();
    changed_groups_.clear();
    std::map<std::string, std::vector<int>> home_cpus;  // by uuid
    for (const Verdict& verdict : plan.verdicts) {
        if (!verdict.home || !verdict.acts) continue;
        const std::vector<int>& cpus = host.cpus[verdict.home->node];
        std::vector<int>& all = home_cpus[verdict.key.uuid];
        all.insert(all.end(), cpus.begin(), cpus.end());
    }
    for (const GuestSample& guest : look.sample.guests) {
        if (!guest.process || !guest.unsteady.empty() || freeze_.is_on()) continue;
        const auto cpus = home_cpus.find(guest.uuid);
        std::string problem = pin_group(
            guest, cpus == home_cpus.end() ? std::vector<int>() : sorted_unique(cpus->second),
            host);
        if (!problem.empty()) group_problems_[guest.uuid] = std::move(problem);
    }
}

// `cpus` of its homes; empty if it has none. Returns what went wrong, or an empty string.
std::string Actuator::pin_group(const GuestSample& guest, const std::vector<int>& cpus,
                                const Host& host) {
    const auto is_pinned = [&](const CellSample& cell) { return pins_.known().holds(cell); };
    const bool pinned = std::any_of(guest.cells.begin(), guest.cells.end(), is_pinned);
    if (pinned && cpus.empty()) return "";
    std::string problem;
    // One by one: where the owner allows one of them none of these CPUs, the others go.
    for (const GuestThread& thread : other_threads_of(guest)) {
        const Pin before = pins_.known().find_or_none(*thread.sample);
        const std::string error =
            pinned ? pins_.pin(guest, {thread}, cpus, host.online()) : pins_.release({thread});
        if (problem.empty()) problem = error;
        if (pins_.known().find_or_none(*thread.sample) != before)
            changed_groups_.insert(guest.uuid);
    }
    return problem;
}

Actuator::Move Actuator::move_of(const MoveMemory& action, const Target& target,
                                 const HostNode& node) const {
    Move move;
    move.target = target;
    move.to_node_id = node.id;
    move.memory = memory_of(action, *target.guest, *target.cell);
    move.huge_page = static_cast<std::uint64_t>(uniform_huge_page_bytes(target.cell->blocks));
    if (action.key.shard == CellKey::whole) move.hot = target.guest->tracking.hot_ranges;
    // A pool of huge pages has a limit of its own, whatever else is free on the node.
    const auto& blocks = target.cell->blocks;
    if (std::none_of(blocks.begin(), blocks.end(), [](const auto& block) { return block.hugetlb; }))
        move.left_free = node.memory_total - max_used_memory(node, config_.planner);
    return move;
}

// Movers go on in the next tick: those of this plan's moves, and those that have to wait in it.
void Actuator::forget_movers(const Plan& plan) {
    std::set<CellKey> going_on;
    for (const Action& action : plan.actions)
        if (std::holds_alternative<MoveMemory>(action)) going_on.insert(key_of(action));
    for (const Verdict& verdict : plan.verdicts)
        if (verdict.home && verdict.home->queued_behind > 0) going_on.insert(verdict.key);
    std::erase_if(movers_, [&](const auto& entry) { return !going_on.contains(entry.first); });
}

CellMover& Actuator::mover_for(const Move& move, const CellKey& key) {
    static const std::vector<RamRange> nothing;
    const std::vector<RamRange>& hot = move.hot ? *move.hot : nothing;
    const auto known = movers_.find(key);
    if (known != movers_.end() && known->second.serves(move.memory, hot, move.to_node_id))
        return known->second;
    return movers_
        .insert_or_assign(key, CellMover(move.memory, hot, move.to_node_id, move.huge_page))
        .first->second;
}

MoveStep Actuator::step(const Move& move, CellMover& mover) const {
    const Process& process = *move.target.guest->process;
    MoveStep refusal;
    refusal.finished = true;
    try {
        if (move.left_free > 0 && kernel_.read_available(move.to_node_id) < move.left_free)
            refusal.error = "node " + std::to_string(move.to_node_id) + " is at its watermark";
    } catch (const HostError& error) {
        refusal.error = error.what();
    }
    if (!kernel_.is_alive(process)) refusal.error = "the guest has ended";
    if (!refusal.error.empty()) return refusal;
    MoveStep done = mover.step(kernel_, process, config_.call_time);
    // The kernel knows a number only. If the guest has ended meanwhile, the number may have been
    // another process's, and what happened is not counted.
    if (kernel_.is_alive(process)) return done;
    refusal.error = "the guest has ended";
    return refusal;
}

void Actuator::account(Move& move, ActionResult& result, const MoveStep& done) {
    result.bytes += done.bytes;
    result.error = done.error;
    move.finished = done.finished;
    if (!done.finished) return;
    const auto mover = movers_.find(key_of(result.action));
    // A few busy pages at the end of a long move are no failure.
    if (result.error.empty() && mover->second.brought() == 0 && mover->second.refused() > 0)
        result.error = std::to_string(mover->second.refused()) +
                       " pages do not move: a device or another process holds them, or the node "
                       "has no page of their size";
    movers_.erase(mover);
}

// One step of each move in turn, so that no guest waits for another one's gigabytes.
asio::awaitable<void> Actuator::move_in_turns(std::vector<Move>& moves,
                                              std::vector<ActionResult>& results,
                                              Clock::Time deadline) {
    for (bool more = !moves.empty(); more;) {
        more = false;
        for (Move& move : moves) {
            if (move.finished) continue;
            co_await clock_.wait_until(std::min(rest_until_, deadline));
            ActionResult& result = results[move.result];
            const std::string too_late = why_not(move.target, deadline);
            if (!too_late.empty()) {
                if (!move.begun) result.skipped = too_late;
                move.finished = true;
                continue;
            }
            move.begun = true;
            CellMover& mover = mover_for(move, key_of(result.action));
            auto one_step = [&, this] { return step(move, mover); };
            const MoveStep done = co_await run_blocking(pool_, one_step);
            rest_until_ = clock_.now() + rest_after(done.bytes, done.took, config_.planner.pace);
            account(move, result, done);
            more = more || !move.finished;
        }
    }
}

}  // namespace vnuma
