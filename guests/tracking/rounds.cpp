#include "guests/tracking/rounds.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "guests/cpu_time.hpp"
#include "guests/proc.hpp"

namespace vnuma {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr std::uint64_t small_page_kib = 4, huge_page_kib = 2048;
// Faults in a round against those in the last one: the guest may touch more of its memory.
constexpr std::uint64_t more_faults = 2;

std::uint64_t kib_of(std::string_view text, std::string_view name) {
    std::uint64_t kib = 0;
    if (const auto field = find_status_field(text, name))
        std::from_chars(field->data(), field->data() + field->size(), kib);
    return kib;
}

std::string in_ms(nanoseconds time) {
    return std::to_string(duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
}

}  // namespace

std::optional<std::uint64_t> count_pages_of(std::string_view smaps_rollup) {
    if (!find_status_field(smaps_rollup, "Rss")) return std::nullopt;
    std::uint64_t huge = 0;
    for (const char* name : {"AnonHugePages", "ShmemPmdMapped", "FilePmdMapped"})
        huge += kib_of(smaps_rollup, name);
    const std::uint64_t resident = kib_of(smaps_rollup, "Rss");
    const std::uint64_t pool =
        kib_of(smaps_rollup, "Shared_Hugetlb") + kib_of(smaps_rollup, "Private_Hugetlb");
    return (resident - std::min(huge, resident)) / small_page_kib + (huge + pool) / huge_page_kib;
}

void Rounds::set_wanted(bool wanted, std::string obstacle) {
    if (wanted && !state_.wanted) restart();
    state_.wanted = wanted;
    possible_ = wanted && obstacle.empty();
    state_.trouble = !wanted ? "" : obstacle.empty() ? failure_ : std::move(obstacle);
}

bool Rounds::begin(const Process& process, nanoseconds fault_time, TrackingBudget& budget,
                   Time now) {
    // Nothing is read for a guest that can afford nothing.
    if (!budget.allows(nanoseconds(0), limits_.most)) return false;
    const nanoseconds cpu = thread_cpu_time();
    period_.begin(now);
    began_ = now;
    failure_ = why_not_now(process, fault_time, budget);
    runs_ = failure_.empty() && take_down_mappings(process);
    if (!runs_ && failure_.empty())
        failure_ = std::string("clear_refs of its process cannot be written: ") + strerror(errno);
    if (!runs_) period_.back_off();
    state_.period = period_.length();
    // Its vCPUs wait while that lasts, as far as they run.
    cost_ = thread_cpu_time() - cpu;
    if (runs_) cost_ += nanoseconds(state_.stall) * budget.milli_cpu() / 1000;
    budget.charge(cost_);
    faults_ = chunks_ = agreements_ = 0;
    return runs_;
}

std::string Rounds::why_not_now(const Process& process, nanoseconds fault_time,
                                const TrackingBudget& budget) {
    const std::uint64_t pages =
        faults_in_last_ > 0 ? faults_in_last_ * more_faults
                            : count_pages_of(process.read("smaps_rollup").value_or("")).value_or(0);
    const nanoseconds stall = faults_in_last_ > 0
                                  ? nanoseconds(state_.stall)
                                  : static_cast<std::int64_t>(pages) * assumed_stall_by_page;
    const nanoseconds estimate =
        static_cast<std::int64_t>(pages) * fault_time + stall * budget.milli_cpu() / 1000;
    state_.estimate = duration_cast<microseconds>(estimate);
    if (stall > longest_stall_)
        return "a round holds it up for " + in_ms(stall) +
               ", which is more than tracking.longest_stall";
    if (!budget.allows(estimate, limits_.most))
        return "a round would take " + in_ms(estimate) +
               " of CPU time, which is more than its budget allows";
    return "";
}

bool Rounds::take_down_mappings(const Process& process) {
    const auto begin = std::chrono::steady_clock::now();
    // Soft-dirty tracking (Documentation/admin-guide/mm/soft-dirty.rst): to see the next write the
    // kernel takes down what KVM has mapped of this process, and the next reads are seen, too.
    const bool done = process.alive() && process.write("clear_refs", "4");
    state_.stall = duration_cast<microseconds>(std::chrono::steady_clock::now() - begin);
    return done;
}

void Rounds::count(const FoldedFaults& faults, nanoseconds fault_time, TrackingBudget& budget) {
    state_.faults += faults.faults;
    if (!runs_) return;
    const nanoseconds cost = faults.faults * fault_time;
    budget.charge(cost);
    cost_ += cost;
    faults_ += faults.faults;
    chunks_ += faults.chunks;
    agreements_ += faults.chunks * static_cast<std::uint64_t>(faults.agreement);
}

bool Rounds::end_if_over(Time now) {
    if (!runs_ || now < began_ + length_) return false;
    runs_ = false;
    ++state_.rounds;
    state_.cost = duration_cast<microseconds>(cost_);
    faults_in_last_ = std::max<std::uint64_t>(faults_, 1);
    // Two rounds make a sample; before that nothing can agree.
    if (state_.rounds > 2 && chunks_ > 0)
        period_.learn(static_cast<int>(agreements_ / chunks_), false);
    state_.period = period_.length();
    return true;
}

}  // namespace vnuma
