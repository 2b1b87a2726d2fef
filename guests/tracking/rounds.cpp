#include "guests/tracking/rounds.hpp"

#include <algorithm>
#include <charconv>

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
    failure_.clear();
    period_.begin(now);
    began_ = now;
    // Soft-dirty tracking (Documentation/admin-guide/mm/soft-dirty.rst): to see the next write the
    // kernel takes down what KVM has mapped of this process, and the next reads are seen, too.
    if (!affordable(process, fault_time, budget))
        failure_ = "a round would take " + std::to_string(state_.estimate.count() / 1000) +
                   " ms of CPU time, which is more than its budget allows";
    else if (!process.alive() || !process.write("clear_refs", "4"))
        failure_ = "clear_refs of its process cannot be written";
    runs_ = failure_.empty();
    if (!runs_) period_.back_off();
    state_.period = period_.length();
    cost_ = thread_cpu_time() - cpu;
    budget.charge(cost_);
    faults_ = chunks_ = agreements_ = 0;
    return runs_;
}

bool Rounds::affordable(const Process& process, nanoseconds fault_time,
                        const TrackingBudget& budget) {
    const std::uint64_t faults =
        faults_in_last_ > 0 ? faults_in_last_ * more_faults
                            : count_pages_of(process.read("smaps_rollup").value_or("")).value_or(0);
    const nanoseconds estimate = faults * fault_time;
    state_.estimate = duration_cast<microseconds>(estimate);
    return budget.allows(estimate, limits_.most);
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
