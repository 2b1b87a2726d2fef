#include "guests/tracking/damon_tracker.hpp"

#include <algorithm>
#include <utility>

#include "guests/cpu_time.hpp"

namespace vnuma {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::uint64_t mib = 1 << 20;

std::vector<RamRange> ranges_of(const GuestSample& guest) {
    std::vector<RamRange> ranges;
    for (const CellSample& cell : guest.cells) {
        const std::vector<RamRange> more = host_ranges(cell);
        ranges.insert(ranges.end(), more.begin(), more.end());
    }
    return ranges;
}

// In regions, each at one sample.
std::int64_t work_of(const DamonPlan& plan) {
    return (static_cast<std::int64_t>(plan.regions.size()) + regions_worth_of_sample) *
           plan.samples;
}

std::string part_told(std::uint64_t told, std::uint64_t asked) {
    if (told >= asked) return {};
    return "DAMON told of " + std::to_string(told / mib) + " of " + std::to_string(asked / mib) +
           " MiB";
}

}  // namespace

class DamonTracker::Look final : public PendingLook {
  public:
    Look(DamonTracker& tracker, std::size_t kdamond, std::shared_ptr<const Process> process,
         DamonPlan plan)
        : tracker_(tracker),
          kdamond_(kdamond),
          process_(std::move(process)),
          plan_(std::move(plan)) {}
    ~Look() override { end(); }

    std::optional<HeatLook> finish() override { return tracker_.finish(*this); }

    void end() noexcept {
        if (!std::exchange(ended_, true)) tracker_.pool_.give_back(kdamond_);
    }

    DamonTracker& tracker_;
    const std::size_t kdamond_;
    const std::shared_ptr<const Process> process_;
    const DamonPlan plan_;
    nanoseconds taken_to_begin_{0};

  private:
    bool ended_ = false;
};

DamonTracker::DamonTracker(std::unique_ptr<DamonFiles> files, milliseconds look_time)
    : look_time_(look_time), files_(std::move(files)), pool_(*files_) {
    pool_.take_over();
}

DamonTracker::~DamonTracker() = default;

Ability DamonTracker::ability(const GuestSample&) const {
    Ability ability;
    ability.reads = ability.writes = ability.per_chunk = true;
    ability.cost =
        "a thread of the kernel that checks one page of each of up to 1,024 regions, "
        "four times a second";
    return ability;
}

std::string DamonTracker::why_not(const GuestSample& guest) const {
    if (!guest.process) return "its process is not known";
    const std::vector<RamRange> ranges = ranges_of(guest);
    if (too_many_ranges(ranges)) return "its memory is in too many pieces";
    if (plan_look(ranges, look_time_, {}, answers_.slow()).bytes == 0)
        return "it is not known where its memory is";
    return {};
}

microseconds DamonTracker::estimate(const GuestSample& guest) const {
    if (!why_not(guest).empty()) return microseconds(0);
    return std::chrono::duration_cast<microseconds>(region_cost_ *
                                                    work_of(plan_for(guest, look_time_)));
}

std::vector<AccessedRange> DamonTracker::accessed_before(
    const GuestSample& guest, const std::vector<AddressRange>& ranges) const {
    for (const Remembered& known : remembered_)
        if (known.process->pid() == guest.process->pid() &&
            known.process->start_time() == guest.process->start_time() && known.ranges == ranges)
            return known.accessed;
    return {};
}

void DamonTracker::remember(std::shared_ptr<const Process> process, const DamonPlan& plan,
                            const std::vector<AccessedRange>& accessed) {
    const auto useless = [&](const Remembered& known) {
        return !known.process->alive() || (known.process->pid() == process->pid() &&
                                           known.process->start_time() == process->start_time());
    };
    remembered_.erase(std::remove_if(remembered_.begin(), remembered_.end(), useless),
                      remembered_.end());
    if (!plan.adapts) return;
    if (remembered_.size() == max_guests_remembered) remembered_.erase(remembered_.begin());
    remembered_.push_back({std::move(process), plan.ranges, accessed});
}

void DamonTracker::learn(const DamonPlan& plan, nanoseconds taken) {
    region_cost_ += (taken / work_of(plan) - region_cost_) / part_learnt;
}

DamonPlan DamonTracker::plan_for(const GuestSample& guest, milliseconds duration) const {
    const std::vector<RamRange> ranges = ranges_of(guest);
    DamonPlan plan = plan_look(ranges, duration, {}, answers_.slow());
    const std::vector<AccessedRange> before =
        plan.adapts ? accessed_before(guest, plan.ranges) : std::vector<AccessedRange>();
    return before.empty() ? plan : plan_look(ranges, duration, before, answers_.slow());
}

void DamonTracker::turn_on(Look& look) {
    DamonTree& tree = pool_.tree();
    // Half of the new ones may be there if this fails.
    const std::vector<AddressRange> has = std::exchange(pool_.regions_of(look.kdamond_), {});
    tree.configure(look.kdamond_, look.process_->pid(), look.plan_, has);
    pool_.regions_of(look.kdamond_) = look.plan_.regions;
    if (!look.process_->alive()) throw TrackingError("the guest has ended");
    tree.turn_on(look.kdamond_);
    // The kernel looks the process up by its number when it is turned on. One that is alive after
    // that was alive then, and the number not another's.
    if (!look.process_->alive()) throw TrackingError("the guest has ended");
}

std::unique_ptr<PendingLook> DamonTracker::begin(const GuestSample& guest, milliseconds duration) {
    if (const std::string reason = why_not(guest); !reason.empty()) throw TrackingError(reason);
    const nanoseconds before = thread_cpu_time();
    DamonPlan plan = plan_for(guest, duration);
    const auto kdamond = pool_.take(plan.regions);
    if (!kdamond) return nullptr;
    if (!answers_.slow() && !pool_.tree().tells_between_counts(*kdamond)) {
        answers_.set_slow();
        plan = plan_for(guest, duration);
    }
    auto look = std::make_unique<Look>(*this, *kdamond, guest.process, std::move(plan));
    turn_on(*look);
    look->taken_to_begin_ = thread_cpu_time() - before;
    return look;
}

void DamonTracker::check_it_runs(const Look& look) {
    if (!pool_.tree().is_on(look.kdamond_))
        throw TrackingError(look.process_->alive() ? "DAMON has stopped by itself"
                                                   : "the guest has ended");
}

HeatLook DamonTracker::finish(Look& look) {
    const nanoseconds before = thread_cpu_time();
    pool_.check_still_ours(look.kdamond_);
    check_it_runs(look);
    DamonTree& tree = pool_.tree();
    answers_.note(tree.update(look.kdamond_), look.plan_);
    // One that ends meanwhile leaves the answer of an earlier look, and no error.
    check_it_runs(look);
    const auto cost = tree.cpu_time(look.kdamond_);
    // What it has written down stays; it need not go on sampling while that is read.
    tree.turn_off(look.kdamond_);
    DamonAnswer answer = understand(look.plan_, tree.regions(look.kdamond_, look.plan_));
    look.end();
    if (answer.bytes == 0) throw TrackingError("DAMON told nothing");

    remember(look.process_, look.plan_, answer.accessed);
    if (cost) learn(look.plan_, *cost + look.taken_to_begin_ + (thread_cpu_time() - before));
    HeatLook result;
    result.trouble = part_told(answer.bytes, look.plan_.bytes);
    result.samples = static_cast<int>(look.plan_.samples_counted);
    const auto expected =
        std::chrono::duration_cast<nanoseconds>(region_cost_ * work_of(look.plan_));
    result.cost = std::chrono::duration_cast<microseconds>(cost.value_or(expected));
    result.accessed = std::move(answer.accessed);
    return result;
}

std::unique_ptr<HeatTracker> probe_damon(const std::string& sysfs_root, milliseconds look_time,
                                         std::string& why_not) {
    std::unique_ptr<DamonFiles> files = open_damon_files(sysfs_root, why_not);
    if (!files) return nullptr;
    try {
        return std::make_unique<DamonTracker>(std::move(files), look_time);
    } catch (const TrackingError& error) {
        why_not = error.what();
        return nullptr;
    }
}

}  // namespace vnuma
