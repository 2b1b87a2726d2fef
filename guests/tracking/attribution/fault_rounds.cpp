#include "guests/tracking/attribution/fault_rounds.hpp"

#include <algorithm>
#include <utility>

namespace vnuma {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// A guest may access more of its memory than in the last round, by this part of all its pages.
constexpr std::uint64_t growth_divisor = 16;
// Ticks do not come to the millisecond, so a round may be shorter by this part.
constexpr int tolerance_divisor = 10;
// Where page counts only show that there are too many pages, they take a hundredth of the time.
constexpr int rest_factor = 100;
// While its pages are counted, a guest that maps new memory may have to wait. A count that takes
// longer than tracking.longest_stall is not repeated for this time.
constexpr nanoseconds rest_after_long_count = std::chrono::hours(1);

std::string in_ms(nanoseconds time) {
    return std::to_string(duration_cast<milliseconds>(time).count()) + " ms";
}

}  // namespace

// Inputs of every tick, and the conditions that follow from them.

void FaultRounds::set_wanted(bool wanted, std::string obstacle) {
    if (wanted && !report_.wanted) restart();
    if (!wanted && std::holds_alternative<CountingPages>(state_)) state_ = Waiting{};
    report_.wanted = wanted;
    allowed_ = wanted && obstacle.empty();
    report_.trouble = wanted ? trouble(std::move(obstacle)) : "";
}

void FaultRounds::forget_rounds() {
    rounds_ = 0;
    restart();
}

std::string FaultRounds::trouble(std::string obstacle) const {
    if (!obstacle.empty()) return obstacle;
    if (!failure_.empty()) return failure_;
    if (has_lost_faults())
        return "some page faults were not counted: the table of the fault counter was full";
    return "";
}

// Whether faults were dropped since the last round that has ended began.
bool FaultRounds::has_lost_faults() const {
    const auto* running = std::get_if<Running>(&state_);
    return account_.dropped() > 0 || (running && running->lost_faults_before);
}

bool FaultRounds::due(Time now) const {
    if (!allowed_ || running()) return false;
    if (const auto* waiting = std::get_if<Waiting>(&state_); waiting && now < waiting->not_before)
        return false;
    const bool second_at_once = rounds_ == 1 && failure_.empty();
    return second_at_once || std::holds_alternative<CountingPages>(state_) || period_.due(now);
}

bool FaultRounds::over(Time now) const {
    return running() && (account_.nearly_all_refaulted() ||
                         now >= account_.began() + length_ - length_ / tolerance_divisor);
}

bool FaultRounds::has_run_since(Time time) const {
    return account_.began() + length_ > time;
}

// Events, in the order of the table in the header.

bool FaultRounds::take_turn(const TrackingBudget& budget, Time now) {
    const bool counting = std::holds_alternative<CountingPages>(state_);
    // Nothing is read for a guest that can afford nothing.
    report_.waits_for = budget.why_not(nanoseconds(0), limits_.most);
    if (report_.waits_for.empty()) {
        // The guest has had its turn, whatever follows. Otherwise scans, which share the budget,
        // would wait for its round.
        period_.begin(now);
        last_attempt_ = now;
        if (!counting) report_.waits_for = budget.why_not(counting_took_, limits_.most);
    }
    if (!report_.waits_for.empty()) state_ = Waiting{};
    return report_.waits_for.empty();
}

void FaultRounds::await_count() {
    state_ = CountingPages{};
    report_.waits_for = "the guest's mapped pages are being counted";
}

bool FaultRounds::decide(const PageCount& counted, nanoseconds fault_time, TrackingBudget& budget,
                         Time now) {
    counting_took_ = counted.took;
    const std::uint64_t pages = counted.pages.value_or(0);
    const Ready round{pages, estimate(pages, fault_time, budget), counted.cost};
    failure_ = counted.pages ? why_not(round, budget)
                             : "smaps_rollup of the guest's process cannot be read, so the cost "
                               "of a round is unknown";
    if (failure_.empty()) {
        state_ = round;
        return true;
    }
    state_ = Waiting{now + std::max(counting_took_ * rest_factor, counting_took_ > longest_stall_
                                                                      ? rest_after_long_count
                                                                      : nanoseconds(0))};
    budget.charge(counted.cost);
    back_off();
    return false;
}

bool FaultRounds::start(const ClearedMappings& cleared, TrackingBudget& budget) {
    const Ready round = std::get<Ready>(state_);
    const nanoseconds cost = round.counting_cost + cleared.cpu_time;
    if (!cleared.error.empty()) {
        state_ = Waiting{};
        failure_ = cleared.error;
        budget.charge(cost);
        back_off();
        return false;
    }
    state_ = Running{has_lost_faults()};
    // CPU time that the vCPUs would have used meanwhile.
    const nanoseconds stalled_vcpus = nanoseconds(cleared.stall) * budget.milli_cpu() / 1000;
    account_ = RoundAccount({.began = last_attempt_,
                             .pages = round.pages,
                             .expected = expected_refaults(round.pages),
                             .stall = cleared.stall,
                             .stalled_vcpus = stalled_vcpus,
                             .cost = cost + stalled_vcpus});
    budget.charge(account_.cost());
    report_.estimate = duration_cast<microseconds>(round.estimate);
    report_.stall = cleared.stall;
    report_.period = period_.length();
    return true;
}

void FaultRounds::end(const RecordedFaults& recorded, bool well_placed) {
    state_ = Waiting{};
    ++report_.rounds;
    // Accessors are known from the second round on; and where nothing faulted, nothing can agree.
    if (has_two_rounds() && recorded.chunks > 0) period_.learn(recorded.agreement, well_placed);
    rounds_ = std::min(rounds_ + 1, rounds_needed);
    report_.period = period_.length();
}

void FaultRounds::put_off(std::string why, Time now) {
    state_ = Waiting{};
    failure_ = std::move(why);
    last_attempt_ = now;
    period_.begin(now);
    back_off();
}

void FaultRounds::back_off() {
    period_.back_off();
    report_.period = period_.length();
}

// What a round costs.

void FaultRounds::charge(const FaultSums& faults, nanoseconds fault_time, TrackingBudget& budget) {
    const nanoseconds cost = account_.add(faults, fault_time);
    budget.charge(cost);
    report_.faults += faults.counted();
    report_.dropped += faults.dropped;
    report_.held_up += cost + account_.take_unreported_stall();
    report_.cost = duration_cast<microseconds>(account_.cost());
}

// Pages that are not accessed do not fault again; the last round has shown how many are. The
// estimate only has to be about right, since the true cost is charged.
nanoseconds FaultRounds::estimate(std::uint64_t pages, nanoseconds fault_time,
                                  const TrackingBudget& budget) const {
    const std::uint64_t faults =
        report_.rounds > 0 ? std::min(pages, account_.faults() + pages / growth_divisor) : pages;
    return static_cast<std::int64_t>(faults) * fault_time +
           expected_stall(pages) * budget.milli_cpu() / 1000;
}

// The guest is expected to stall as long as in the last round, and longer for each page that it has
// mapped since.
nanoseconds FaultRounds::expected_stall(std::uint64_t pages) const {
    const std::uint64_t before = account_.pages();
    if (before == 0) return static_cast<std::int64_t>(pages) * assumed_stall_by_page;
    const nanoseconds last = account_.stall();
    const nanoseconds by_page = last / static_cast<std::int64_t>(before);
    const auto more = static_cast<std::int64_t>(pages - std::min(pages, before));
    return last + more * std::max(assumed_stall_by_page, by_page);
}

// The expected pages are those that faulted again in the last round. A round that ended early, when
// nearly all expected pages had faulted, does not lower the expectation.
std::uint64_t FaultRounds::expected_refaults(std::uint64_t pages) const {
    if (rounds_ == 0) return pages;
    std::uint64_t last = account_.refaulted_pages();
    if (account_.nearly_all_refaulted()) last = std::max(last, account_.expected());
    return std::min(pages, last);
}

std::string FaultRounds::why_not(const Ready& round, const TrackingBudget& budget) const {
    const nanoseconds stall = expected_stall(round.pages);
    if (stall > longest_stall_)
        return "a round would stall the guest for " + in_ms(stall) +
               ", longer than tracking.longest_stall (" + in_ms(longest_stall_) + ")";
    if (!budget.allows(round.estimate, limits_.most))
        return "a round would take " + in_ms(round.estimate) +
               " of CPU time, more than the guest's tracking budget allows (tracking.overhead)";
    return "";
}

}  // namespace vnuma
