#include "src/act/actuator.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>

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

Actuator::Actuator(const Config& config, Observer& observer, Kernel& kernel, Journal& journal,
                   Clock& clock, asio::thread_pool& pool)
    : observer_(observer),
      kernel_(kernel),
      clock_(clock),
      pool_(pool),
      freeze_(config.state_directory),
      pins_(kernel, journal, config.pin_by_libvirt),
      moves_(config, kernel, clock, pool) {}

asio::awaitable<std::vector<ActionResult>> Actuator::apply(const Plan& plan, const Look& look,
                                                           const Host& host,
                                                           const HandsOffGuests& hands_off,
                                                           Clock::Time deadline) {
    std::vector<ActionResult> results;
    if (!kernel_.acts()) co_return results;
    states_.clear();
    const ThreadPins::WhyNotGuest may_not_pin = [&](const GuestSample& guest) {
        std::string alone = hands_off.why_cpus(guest.uuid);
        return alone.empty() ? ask_why_not(guest, deadline) : alone;
    };
    auto follow = [&] {
        pins_.follow(look.sample, host.online(), may_not_pin, host.isolated);
        return true;
    };
    co_await run_blocking(pool_, follow, stopping_);
    std::vector<MoveOrder> moves;
    std::set<CellKey> unpinnable;
    for (const Action& action : plan.actions) {
        const Target target = find_target(look.sample, key_of(action));
        const auto* move = std::get_if<MoveMemory>(&action);
        ActionResult& result = results.emplace_back(ActionResult{action, 0, "", ""});
        const std::string alone = hands_off.why_cpus(key_of(action).uuid);
        if (!target.guest || !target.guest->process)
            result.skipped = "the guest is not in the sample";
        else if (std::holds_alternative<PinCell>(action) && !alone.empty())
            result.skipped = alone;
        else
            result.skipped = co_await why_not(*target.guest, deadline);
        if (!result.skipped.empty()) continue;
        if (!move) {
            result = co_await pin(action, target, host, deadline);
            if (!result.error.empty() || !result.skipped.empty()) unpinnable.insert(key_of(action));
        } else if (unpinnable.contains(move->key)) {
            result.skipped = "memory does not move to where its vCPUs could not be pinned";
        } else {
            moves.push_back({move, target.guest, target.cell, &look.host.topology.nodes[move->to],
                             results.size() - 1});
        }
    }
    co_await pin_groups(plan, look, host, hands_off, deadline);
    moves_.follow(plan, look.sample);
    const MemoryMoves::WhyNot may_not = [&](const GuestSample& guest) {
        return why_not(guest, deadline);
    };
    co_await moves_.carry_out(moves, results, may_not, deadline);
    co_return results;
}

asio::awaitable<std::string> Actuator::give_back(const std::string& uuid, Clock::Time deadline) {
    const ThreadPins::WhyNot may_not = [&]() -> std::string {
        if (stopping_) return "vnumad is stopping";
        return clock_.now() >= deadline ? "the tick is over" : "";
    };
    auto change = [&] { return pins_.release_guest(uuid, may_not); };
    co_return co_await run_blocking(pool_, change, stopping_);
}

std::string Actuator::freeze() const {
    return freeze_.set(true) ? "" : freeze_.file() + ": " + std::generic_category().message(errno);
}

Actuator::Target Actuator::find_target(const Sample& sample, const CellKey& key) {
    for (const GuestSample& guest : sample.guests)
        for (const CellSample& cell : guest.cells)
            if (guest.uuid == key.uuid && cell.id == key.cell) return {&guest, &cell};
    return {};
}

std::string Actuator::why_frozen() const {
    return freeze_.is_on() ? "vnumad is frozen: " + freeze_.file() + " exists" : "";
}

// Why nothing may be done to the guest at this time; empty when something may.
std::string Actuator::why_too_late(const GuestSample& guest, Clock::Time deadline) const {
    if (stopping_) return "vnumad is stopping";
    if (std::string frozen = why_frozen(); !frozen.empty()) return frozen;
    const Clock::Time now = clock_.now();
    if (now >= deadline) return "the tick is over";
    const auto age = now - guest.read_at;
    if (age < max_reading_age) return "";
    return "the guest was read " +
           std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(age).count()) +
           " ms ago, and nothing acts on what is older than " +
           std::to_string(max_reading_age.count()) + " s";
}

Actuator::State& Actuator::state_of(const GuestSample& guest) {
    return states_.try_emplace(guest.uuid, State{guest.read_at, guest.unsteady, guest.job_known})
        .first->second;
}

// The same, with the guest's state of now. Blocks if it has to be read again. Freezing counts from
// the moment before the call.
std::string Actuator::ask_why_not(const GuestSample& guest, Clock::Time deadline) {
    std::string too_late = why_too_late(guest, deadline);
    if (!too_late.empty()) return too_late;
    State& state = state_of(guest);
    if (!state.unsteady.empty() || !is_old(state)) return state.unsteady;
    state.read_at = clock_.now();
    state.unsteady = observer_.why_unsteady(guest.uuid);
    state.job_known = true;
    return state.unsteady.empty() ? why_too_late(guest, deadline) : state.unsteady;
}

asio::awaitable<std::string> Actuator::why_not(const GuestSample& guest, Clock::Time deadline) {
    auto ask = [&] { return ask_why_not(guest, deadline); };
    if (!is_old(state_of(guest))) co_return ask();
    co_return co_await run_blocking(pool_, ask);
}

asio::awaitable<ActionResult> Actuator::pin(const Action& action, const Target& target,
                                            const Host& host, Clock::Time deadline) {
    std::string reason;
    const ThreadPins::WhyNot may_not = [&] {
        std::string now = ask_why_not(*target.guest, deadline);
        if (reason.empty()) reason = now;
        return now;
    };
    auto change = [&]() -> std::string {
        if (const auto* pin = std::get_if<PinCell>(&action)) {
            const CellSample part = part_of(*target.cell, pin->vcpus);
            return pins_.pin(*target.guest, vcpus_of(*target.guest, part), host.cpus[pin->to],
                             host.online(), may_not);
        }
        const CellSample part = part_of(*target.cell, std::get<UnpinCell>(action).vcpus);
        return pins_.release(vcpus_of(*target.guest, part), may_not);
    };
    std::string error = co_await run_blocking(pool_, change, stopping_);
    (error == reason ? error : reason).clear();
    co_return ActionResult{action, 0, std::move(error), std::move(reason)};
}

const std::vector<int>& Actuator::HomeCpus::of(const GuestThread& thread) const {
    const auto cell = thread.cell ? by_cell.find(*thread.cell) : by_cell.end();
    return cell == by_cell.end() ? all : cell->second;
}

// By uuid.
std::map<std::string, Actuator::HomeCpus> Actuator::home_cpus(const Plan& plan, const Host& host) {
    std::map<std::string, HomeCpus> homes;
    for (const Verdict& verdict : plan.verdicts) {
        // What serves a cell that roams may run wherever its owner lets it.
        const bool roams = verdict.reason == Reason::roams;
        if ((!verdict.home && !roams) || !verdict.acts) continue;
        const std::vector<int> cpus = roams ? host.online() : host.cpus[verdict.home->node];
        HomeCpus& guest = homes[verdict.key.uuid];
        for (std::vector<int>* some : {&guest.all, &guest.by_cell[verdict.key.cell]}) {
            some->insert(some->end(), cpus.begin(), cpus.end());
            *some = sorted_unique(std::move(*some));
        }
    }
    return homes;
}

// The threads that serve a guest go with its vCPUs: with those of the cell that they serve, if that
// is known, and otherwise over the nodes of all of its homes. They are given back when none of its
// vCPUs is pinned any more.
asio::awaitable<void> Actuator::pin_groups(const Plan& plan, const Look& look, const Host& host,
                                           const HandsOffGuests& hands_off, Clock::Time deadline) {
    group_problems_.clear();
    changed_groups_.clear();
    const std::map<std::string, HomeCpus> homes = home_cpus(plan, host);
    for (const GuestSample& guest : look.sample.guests) {
        if (!guest.process || !guest.unsteady.empty() || !hands_off.why_cpus(guest.uuid).empty())
            continue;
        const auto known = homes.find(guest.uuid);
        const HomeCpus cpus = known == homes.end() ? HomeCpus() : known->second;
        const std::vector<GuestThread> strays = stray_threads(guest, cpus, host);
        if (strays.empty() || !(co_await why_not(guest, deadline)).empty()) continue;
        auto change = [&] { return pin_group(guest, strays, cpus, host, deadline); };
        std::string problem = co_await run_blocking(pool_, change, stopping_);
        if (!problem.empty()) group_problems_[guest.uuid] = std::move(problem);
    }
}

std::vector<GuestThread> Actuator::stray_threads(const GuestSample& guest, const HomeCpus& cpus,
                                                 const Host& host) const {
    std::vector<GuestThread> threads = other_threads_of(guest);
    if (pins_.known().holds(guest)) {
        if (cpus.all.empty()) return {};
        std::erase_if(threads, [&](const GuestThread& thread) {
            return pins_.is_in_force(guest, thread, cpus.of(thread), host.online());
        });
    } else {
        std::erase_if(threads, [&](const GuestThread& thread) {
            return pins_.known().find(*thread.sample) == nullptr;
        });
    }
    return threads;
}

// Returns what went wrong, or an empty string.
std::string Actuator::pin_group(const GuestSample& guest, const std::vector<GuestThread>& strays,
                                const HomeCpus& cpus, const Host& host, Clock::Time deadline) {
    const bool pinned = pins_.known().holds(guest);
    std::string problem, reason;
    const ThreadPins::WhyNot may_not = [&] { return reason = ask_why_not(guest, deadline); };
    // By libvirt, which has changed the cpuset of all threads that it does not pin one by one. They
    // are read anew before they are pinned.
    bool emulator_changed = false;
    // One by one: where the owner allows one of them none of these CPUs, the others go.
    for (const GuestThread& thread : strays) {
        if (pinned && emulator_changed && !thread.libvirt) continue;
        const Pin before = pins_.known().find_or_none(*thread.sample);
        const std::string error =
            pinned ? pins_.pin(guest, {thread}, cpus.of(thread), host.online(), may_not)
                   : pins_.release({thread}, may_not);
        if (problem.empty()) problem = error;
        if (!reason.empty()) break;
        const Pin after = pins_.known().find_or_none(*thread.sample);
        if (after == before) continue;
        changed_groups_.insert(guest.uuid);
        const auto& by_libvirt = after.libvirt ? after.libvirt : before.libvirt;
        emulator_changed |= by_libvirt && by_libvirt->thread.role == DomainThread::Role::emulator;
    }
    return problem;
}

}  // namespace vnuma
