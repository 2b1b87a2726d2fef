#include "src/controller.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "policy/learn.hpp"
#include "policy/planner.hpp"
#include "src/act/run_blocking.hpp"
#include "src/look_interval.hpp"
#include "src/observe/cpu_use.hpp"
#include "src/observe/derive_snapshot.hpp"

namespace vnuma {

namespace asio = boost::asio;

namespace {
constexpr std::size_t worker_threads = 2;
}  // namespace

Controller::Controller(const Config& config, Host host, Observer& observer, Kernel& kernel,
                       Clock& clock, Journal& journal, HandsOffGuests& hands_off,
                       control::Orders& orders, Outputs outputs)
    : config_(config),
      host_(std::move(host)),
      observer_(observer),
      kernel_(kernel),
      clock_(clock),
      hands_off_(hands_off),
      orders_(orders),
      outputs_(std::move(outputs)),
      pool_(worker_threads),
      policy_(config.policy),
      run_time_policy_(config.run_time_policy, config.policy),
      actuator_(config, observer, kernel, journal, clock, pool_) {}

asio::awaitable<void> Controller::run() {
    LookInterval interval(config_.interval, std::max(config_.interval, config_.interval_max));
    Clock::Time next = clock_.now();
    co_await clock_.wait_until(next);
    while (true) {
        const auto made = co_await tick(Purpose::act);
        // From the last begin, not from the end of the tick, so that the period does not drift.
        // Ticks that are missed (a suspended host) are skipped.
        const auto after = interval.after(*made);
        const Clock::Time latest = next + after, soonest = next + std::min(config_.interval, after);
        co_await clock_.wait_until(soonest);
        const bool woken = latest > soonest && co_await clock_.sleep_until(latest);
        if (woken) interval.restart();
        next = std::max(woken ? soonest : latest, clock_.now());
    }
}

asio::awaitable<bool> Controller::run_once() {
    const Clock::Time begin = clock_.now();
    co_await tick(Purpose::first_of_two);
    co_await clock_.wait_until(begin + config_.interval);
    const auto made = co_await tick(Purpose::act);
    co_return made->blind.empty();
}

// When nothing can be seen, nothing is changed: without a look there is no plan, and the next look
// has no predecessor.
asio::awaitable<std::shared_ptr<const Tick>> Controller::tick(Purpose purpose) {
    const Clock::Time begin = clock_.now();
    const auto made = std::make_shared<Tick>(number_tick());
    Tick& tick = *made;
    co_await take_orders();

    auto list_all = [this] { return list(); };
    std::optional<Listing> listing = co_await unless_blind(tick, list_all);

    auto sample_all = [&] { return sample(*listing, purpose == Purpose::first_of_two); };
    std::optional<std::shared_ptr<Look>> look;
    if (listing) look = co_await unless_blind(tick, sample_all);
    tick.look_time = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - begin);
    tick.policy = policy_;

    if (look) {
        co_await restore_as_ordered(*listing, **look, deadline(begin));
        (*look)->use = measure_use(previous_.get(), **look, host_);
        previous_ = tick.look = *look;
        derive_and_plan(tick, *listing, **look);

        tick.results =
            co_await actuator_.apply(tick.plan, **look, host_, hands_off_, deadline(begin));
        tick.moves = actuator_.moves();

        tick.group_problems = actuator_.group_problems();
        remember(tick);
    } else {
        previous_.reset();
    }
    tick.orders = orders_in_force_.take_news();

    if (purpose == Purpose::act) {
        outputs_.record(tick);
        outputs_.report(made);
    }
    co_return made;
}

asio::awaitable<void> Controller::take_orders() {
    const char* why_not = kernel_.acts() ? "" : "vnumad changes nothing in this mode";
    orders_in_force_.add(orders_.take(), monotonic_ms(), why_not);
    if (!orders_in_force_.wants_freeze()) co_return;
    auto freeze = [this] { return actuator_.freeze(); };
    orders_in_force_.note_frozen(co_await run_blocking(pool_, freeze));
}

// The guest is left alone first: if vnumad ended in between, the next one would put its threads
// back, but it would also balance the guest again.
asio::awaitable<void> Controller::restore_as_ordered(const Listing& listing, const Look& look,
                                                     Clock::Time deadline) {
    const auto due =
        orders_in_force_.to_restore(look.sample, listing.problem.empty(), monotonic_ms());
    if (due.empty()) co_return;
    auto leave_alone = [&] {
        for (const auto& [uuid, who] : due) {
            const std::string why = who + " has ordered to restore it and leave it alone";
            for (const GuestSample& guest : look.sample.guests)
                if (guest.uuid == uuid) hands_off_.add(guest, {why, why});
        }
        return true;
    };
    co_await run_blocking(pool_, leave_alone);
    for (const auto& [uuid, who] : due) {
        const std::string problem = co_await actuator_.give_back(uuid, deadline);
        orders_in_force_.note_restored(uuid, problem, monotonic_ms());
    }
}

// An order that leaves its guest without a home is given up before anything is done for it.
void Controller::derive_and_plan(Tick& tick, Listing& listing, const Look& look) {
    tick.host = host_;
    tick.rivals = std::move(listing.rivals);
    tick.list_problem = std::move(listing.problem);
    tick.unmatched_sections = unmatched_sections_;
    tick.frozen = actuator_.why_frozen();
    tick.hands_off = hands_off_.all();
    tick.hands_off_problem = hands_off_.problem();
    tick.pinned = actuator_.pins().in_force(tick.sample());
    tick.history = history_;
    orders_in_force_.set_homes(look.sample, tick.list_problem.empty(), listing.policies);
    do {
        tick.snapshot =
            derive(look, host_, {actuator_.pins(), hands_off_}, policy_, listing.policies);
        tick.plan = plan(tick.snapshot, history_, config_.planner);
    } while (
        orders_in_force_.give_up_without_home(tick.plan, tick.snapshot.topology, listing.policies));
    orders_in_force_.end_settled(tick.plan, tick.snapshot.topology, monotonic_ms());
}

// What the next tick has to know of this one.
void Controller::remember(const Tick& tick) {
    // In a dry run homes are not learned: every report tells what would be done next.
    if (kernel_.acts())
        history_ = learn(std::move(history_), tick.snapshot, tick.plan, tick.results);
    homed_.clear();
    for (const Verdict& verdict : tick.plan.verdicts)
        if (verdict.home && verdict.acts) homed_.insert(verdict.key.uuid);
    hints_ = derive_hints(hints_, tick.snapshot, tick.plan, tick.results);
    quiet_ = find_quiet_guests(tick.snapshot, tick.plan);
    acted_on_ = actuator_.changed_groups();
    for (const ActionResult& result : tick.results) {
        acted_on_.insert(key_of(result.action).uuid);
        moved_[key_of(result.action).uuid] += result.bytes + result.unclear;
    }
}

Millis Controller::monotonic_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch())
        .count();
}

std::int64_t Controller::wall_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               clock_.wall_time().time_since_epoch())
        .count();
}

Tick Controller::number_tick() {
    Tick tick;
    tick.number = ++ticks_;
    tick.mode = config_.mode;
    tick.interval = config_.interval;
    tick.time_ms = wall_ms();
    return tick;
}

Controller::Listing Controller::list() {
    Listing listing;
    listing.guests = observer_.list();
    listing.problem = observer_.why_incomplete();
    host_ = observer_.follow(host_);
    listing.host = observer_.read(host_);
    run_time_policy_.refresh(wall_ms());
    policy_.run_time = run_time_policy_.words();
    policy_.run_time_until = run_time_policy_.until();
    policy_.limits = run_time_policy_.limits();
    const RivalReading rivals = observer_.read_rivals(listing.guests);
    listing.rivals = find_rivals(rivals, config_.coexist);
    listing.balanced = rivals.balanced;
    add_limits(listing.rivals, policy_.limits);
    listing.policies = resolve_policies(listing.guests, policy_, listing.host.topology);
    // A section may be that of a guest that is missing.
    if (listing.problem.empty())
        unmatched_sections_ = find_unmatched_sections(listing.guests, policy_);
    withdraw_hints(hints_, listing.policies);
    if (!actuator_.why_frozen().empty())
        for (auto& [uuid, hint] : hints_)
            hint.wanted = hint.may_disturb = false;
    return listing;
}

std::shared_ptr<Look> Controller::sample(Listing& listing, bool complete) {
    auto look = std::make_shared<Look>();
    SampleRequest request{
        .urgent = acted_on_, .quiet = quiet_, .complete = complete, .hints = hints_};
    if (may_act()) request.acts_on = find_guests_to_act_on(listing.policies);
    request.may_begin = [this] { return actuator_.why_frozen().empty(); };
    look->sample = observer_.sample(listing.guests, request);
    look->host = std::move(listing.host);
    notice_changes(look->sample, listing.balanced);
    return look;
}

bool Controller::may_act() const {
    return config_.mode == Mode::act && kernel_.acts() && actuator_.why_frozen().empty();
}

// What somebody else changes wins at once, and the guest is left alone from now on. Memory counts
// only of guests that have homes, since only theirs would be moved back. A vnumad that does not act
// has nothing to leave alone, and writes nothing.
void Controller::notice_changes(const Sample& sample, Bytes balanced) {
    hands_off_.refresh(sample);
    if (!kernel_.acts()) return;
    foreign_moves_.forget_others(sample);
    const Bytes kernels = std::max<Bytes>(balanced - std::exchange(balanced_, balanced), 0);
    for (const GuestSample& guest : sample.guests) {
        HandsOff why;
        why.memory = foreign_moves_.update(guest, moved_[guest.uuid], kernels);
        if (!actuator_.pins().holds(guest) && !homed_.contains(guest.uuid)) why.memory.clear();
        ForeignChange change = find_foreign_change(guest, actuator_.pins(), host_);
        why.cpus = std::move(change.what);
        if (why == HandsOff()) continue;
        hands_off_.add(guest, why);
        actuator_.forget_pins(change.threads);
    }
    moved_.clear();
}

// A tick acts until the next one is due. Where the look has taken longer than an interval, it acts
// for half of one all the same, on the guests that were read late enough.
Clock::Time Controller::deadline(Clock::Time begin) const {
    return std::max(begin + config_.interval, clock_.now() + config_.interval / 2);
}

template <typename Read>
asio::awaitable<std::optional<std::invoke_result_t<Read>>> Controller::unless_blind(Tick& tick,
                                                                                    Read read) {
    std::optional<std::invoke_result_t<Read>> result;
    try {
        result = co_await run_blocking(pool_, read);
    } catch (const SourceError& error) {
        tick.blind = error.what();
    } catch (const HostError& error) {
        tick.blind = error.what();
    } catch (const std::system_error& error) {
        tick.blind = error.what();
    }
    tick.policy_problem = run_time_policy_.problem();
    co_return result;
}

}  // namespace vnuma
