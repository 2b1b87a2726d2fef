#include "src/act/actuator.hpp"

#include <algorithm>
#include <set>

#include "policy/model/number_list.hpp"
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

}  // namespace

Actuator::Actuator(const Config& config, Kernel& kernel, Journal& journal, Clock& clock,
                   asio::thread_pool& pool)
    : kernel_(kernel),
      clock_(clock),
      pool_(pool),
      freeze_(config.state_directory),
      pins_(kernel, journal),
      moves_(config, kernel, clock, pool) {}

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
    std::vector<MoveOrder> moves;
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
            moves.push_back({move, target.guest, target.cell, &look.host.topology.nodes[move->to],
                             results.size() - 1});
        }
    }
    auto pin_others = [&] {
        pin_groups(plan, look, host);
        return true;
    };
    co_await run_blocking(pool_, pin_others);
    moves_.follow(plan, look.sample);
    const MemoryMoves::WhyNot may_not = [&](const GuestSample& guest) {
        return why_not({&guest, nullptr}, deadline);
    };
    co_await moves_.carry_out(moves, results, may_not, deadline);
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
    const bool pinned = pins_.known().holds(guest);
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

}  // namespace vnuma
