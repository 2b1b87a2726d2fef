#include "guests/tracking/attribution/fault_rounds.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "guests/process/cpu_time.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

// A guest may touch more of its memory than in the last round: this part of all.
constexpr std::uint64_t colder_part = 16;
// While counting a guest's pages only shows that there are too many, it takes a hundredth of the
// time.
constexpr int least_rest = 100;
// And where counting may itself hold the guest up for longer than it may be:
constexpr nanoseconds rest_after_stall = std::chrono::hours(1);

std::string in_ms(nanoseconds time) {
    return std::to_string(duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
}

}  // namespace

void FaultRounds::set_wanted(bool wanted, std::string obstacle) {
    if (wanted && !state_.wanted) restart();
    if (!wanted) counts_ = false;
    state_.wanted = wanted;
    possible_ = wanted && obstacle.empty();
    if (obstacle.empty()) obstacle = failure_;
    if (obstacle.empty() && lost_) obstacle = "faults were lost: there was no room to count them";
    state_.trouble = wanted ? std::move(obstacle) : "";
}

bool FaultRounds::may_begin(const std::shared_ptr<const Process>& process,
                            std::uint64_t largest_page, nanoseconds fault_time,
                            PageCounting& counting, TrackingBudget& budget, Time now) {
    const bool counted_for = std::exchange(counts_, false);
    // Nothing is read for a guest that can afford nothing.
    state_.waits_for = budget.why_not(nanoseconds(0), limits_.most);
    if (!state_.waits_for.empty()) return false;
    // From here on it has had its turn, or looks would wait for it.
    period_.begin(now);
    began_ = now;
    state_.waits_for = counted_for ? "" : budget.why_not(counting_took_, limits_.most);
    if (!state_.waits_for.empty()) return false;
    const auto counted = counting.count(process, largest_page);
    counts_ = !counted;
    if (counts_) {
        state_.waits_for = "its pages are being counted";
        return false;
    }
    counting_took_ = counted->took;
    counting_cost_ = counted->cost;
    pages_ = counted->pages.value_or(0);
    // Cold memory does not fault again. How much of it is, the last round has shown. What it really
    // takes is charged: this only has to be about right.
    const std::uint64_t faults =
        state_.rounds > 0 ? std::min(pages_, faults_ + pages_ / colder_part) : pages_;
    const nanoseconds stall = expected_stall(pages_);
    estimate_ = static_cast<std::int64_t>(faults) * fault_time + stall * budget.milli_cpu() / 1000;
    failure_ = counted->pages ? why_not_now(budget, stall)
                              : "how much of its memory is mapped cannot be read";
    if (failure_.empty()) return true;
    // Whoever maps memory of it, and then whoever touches new memory, may wait for the count.
    refused_until_ =
        now + std::max(counting_took_ * least_rest,
                       counting_took_ > longest_stall_ ? rest_after_stall : nanoseconds(0));
    back_off();
    budget.charge(counting_cost_);
    return false;
}

void FaultRounds::back_off() {
    period_.back_off();
    state_.period = period_.length();
}

bool FaultRounds::begin(const Process& process, TrackingBudget& budget) {
    const nanoseconds cpu = thread_cpu_time();
    runs_ = take_down_mappings(process);
    nanoseconds cost = counting_cost_ + thread_cpu_time() - cpu;
    if (runs_) {
        // Its vCPUs wait while that lasts, as far as they run.
        stalled_ = nanoseconds(state_.stall) * budget.milli_cpu() / 1000;
        cost += stalled_;
        cost_ = cost;
        took_down_at_ = began_;
        state_.estimate = duration_cast<microseconds>(estimate_);
        // One that was over early does not make the next one shorter.
        const std::uint64_t last =
            has_nearly_all() ? std::max(expected_, came_back()) : came_back();
        expected_ = sampled_ > 0 ? std::min(pages_, last) : pages_;
        taken_down_ = stalled_pages_ = pages_;
        faults_ = reads_ = writes_ = dropped_ = 0;
        counting_late_refaults_ = false;
    } else {
        failure_ = std::string("clear_refs of its process cannot be written: ") + strerror(errno);
        back_off();
    }
    budget.charge(cost);
    state_.period = period_.length();
    return runs_;
}

// What the last round held it up, and more for each page that it has now and had not then.
nanoseconds FaultRounds::expected_stall(std::uint64_t pages) const {
    if (stalled_pages_ == 0) return static_cast<std::int64_t>(pages) * assumed_stall_by_page;
    const nanoseconds last = state_.stall;
    const auto more = static_cast<std::int64_t>(pages - std::min(pages, stalled_pages_));
    const auto by_page = last / static_cast<std::int64_t>(stalled_pages_);
    return last + more * std::max(assumed_stall_by_page, by_page);
}

std::string FaultRounds::why_not_now(const TrackingBudget& budget, nanoseconds stall) const {
    if (stall > longest_stall_)
        return "a round holds it up for " + in_ms(stall) +
               ", which is more than tracking.longest_stall";
    if (!budget.allows(estimate_, limits_.most))
        return "a round would take " + in_ms(estimate_) +
               " of CPU time, which is more than its budget allows";
    return "";
}

bool FaultRounds::take_down_mappings(const Process& process) {
    const auto begin = std::chrono::steady_clock::now();
    // Soft-dirty tracking (Documentation/admin-guide/mm/soft-dirty.rst): to see the next write the
    // kernel takes down what KVM has mapped of this process, and the next reads are seen, too.
    const bool done = process.alive() && process.write("clear_refs", "4");
    state_.stall = duration_cast<microseconds>(std::chrono::steady_clock::now() - begin);
    return done;
}

void FaultRounds::put_off(std::string why, Time now) {
    failure_ = std::move(why);
    began_ = now;
    period_.begin(now);
    period_.back_off();
}

void FaultRounds::charge(const Faults& faults, nanoseconds fault_time, TrackingBudget& budget) {
    const std::uint64_t counted = faults.reads + faults.writes, all = counted + faults.dropped;
    state_.faults += counted;
    state_.dropped += faults.dropped;
    // Those long after its end may be anybody's: the kernel's NUMA balancing brings them about,
    // too.
    if (runs_ || counting_late_refaults_) {
        faults_ += all;
        reads_ += faults.reads;
        writes_ += faults.writes;
    }
    const std::uint64_t of_rounds = std::min(all, taken_down_);
    taken_down_ -= of_rounds;
    const nanoseconds cost = static_cast<std::int64_t>(of_rounds) * fault_time;
    budget.charge(cost);
    cost_ += cost;
    state_.held_up += cost + std::exchange(stalled_, nanoseconds(0));
    state_.cost = duration_cast<microseconds>(cost_);
    dropped_ += faults.dropped;
    lost_ |= faults.dropped > 0;
}

void FaultRounds::end(const RecordedFaults& seen, bool well_placed) {
    runs_ = false;
    counting_late_refaults_ = true;
    lost_ = dropped_ > 0;
    ++state_.rounds;
    // Before there is a sample nothing can agree, nor when nothing was seen.
    if (has_sample() && seen.chunks > 0) period_.learn(seen.agreement, well_placed);
    sampled_ = std::min(sampled_ + 1, 2);
    state_.period = period_.length();
}

void FaultRounds::begin_anew() {
    sampled_ = 0;
    restart();
}

}  // namespace vnuma
