#include "guests/tracking/damon/damon_tracker.hpp"

#include <algorithm>
#include <utility>

#include "guests/process/cpu_time.hpp"
#include "guests/process/process.hpp"

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

class DamonTracker::Scan final : public PendingScan {
  public:
    Scan(DamonTracker& tracker, std::size_t kdamond, std::shared_ptr<const Process> process,
         DamonPlan plan)
        : tracker_(tracker),
          kdamond_(kdamond),
          process_(std::move(process)),
          plan_(std::move(plan)) {}
    ~Scan() override { end(); }

    std::optional<HeatScan> finish() override { return tracker_.finish(*this); }

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

DamonTracker::DamonTracker(std::unique_ptr<DamonFiles> files, milliseconds scan_time)
    : scan_time_(scan_time), files_(std::move(files)), pool_(*files_) {
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

std::string DamonTracker::unsupported_reason(const GuestSample& guest) const {
    if (!guest.process) return "its process is not known";
    const std::vector<RamRange> ranges = ranges_of(guest);
    if (too_many_ranges(ranges)) return "its memory is in too many pieces";
    if (plan_scan(ranges, scan_time_, {}, answers_.slow()).bytes == 0)
        return "it is not known where its memory is";
    return {};
}

microseconds DamonTracker::estimate(const GuestSample& guest) const {
    if (!unsupported_reason(guest).empty()) return microseconds(0);
    return std::chrono::duration_cast<microseconds>(region_cost_ *
                                                    work_of(plan_for(guest, scan_time_)));
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
    DamonPlan plan = plan_scan(ranges, duration, {}, answers_.slow());
    const std::vector<AccessedRange> before =
        plan.adapts ? accessed_before(guest, plan.ranges) : std::vector<AccessedRange>();
    return before.empty() ? plan : plan_scan(ranges, duration, before, answers_.slow());
}

void DamonTracker::turn_on(Scan& scan) {
    DamonTree& tree = pool_.tree();
    // Half of the new ones may be there if this fails.
    const std::vector<AddressRange> has = std::exchange(pool_.regions_of(scan.kdamond_), {});
    tree.configure(scan.kdamond_, scan.process_->pid(), scan.plan_, has);
    pool_.regions_of(scan.kdamond_) = scan.plan_.regions;
    if (!scan.process_->alive()) throw TrackingError("the guest has ended");
    tree.turn_on(scan.kdamond_);
    // The kernel looks the process up by its number when it is turned on. One that is alive after
    // that was alive then, and the number not another's.
    if (!scan.process_->alive()) throw TrackingError("the guest has ended");
}

std::unique_ptr<PendingScan> DamonTracker::begin(const GuestSample& guest, milliseconds duration) {
    if (const std::string reason = unsupported_reason(guest); !reason.empty()) throw TrackingError(reason);
    const nanoseconds before = thread_cpu_time();
    DamonPlan plan = plan_for(guest, duration);
    const auto kdamond = pool_.take(plan.regions);
    if (!kdamond) return nullptr;
    if (!answers_.slow() && !pool_.tree().tells_between_counts(*kdamond)) {
        answers_.set_slow();
        plan = plan_for(guest, duration);
    }
    auto scan = std::make_unique<Scan>(*this, *kdamond, guest.process, std::move(plan));
    turn_on(*scan);
    scan->taken_to_begin_ = thread_cpu_time() - before;
    return scan;
}

void DamonTracker::check_it_runs(const Scan& scan) {
    if (!pool_.tree().is_on(scan.kdamond_))
        throw TrackingError(scan.process_->alive() ? "DAMON has stopped by itself"
                                                   : "the guest has ended");
}

HeatScan DamonTracker::finish(Scan& scan) {
    const nanoseconds before = thread_cpu_time();
    pool_.check_still_ours(scan.kdamond_);
    check_it_runs(scan);
    DamonTree& tree = pool_.tree();
    answers_.note(tree.update(scan.kdamond_), scan.plan_);
    // One that ends meanwhile leaves the answer of an earlier look, and no error.
    check_it_runs(scan);
    const auto cost = tree.cpu_time(scan.kdamond_);
    // What it has written down stays; it need not go on sampling while that is read.
    tree.turn_off(scan.kdamond_);
    DamonAnswer answer = understand(scan.plan_, tree.regions(scan.kdamond_, scan.plan_));
    scan.end();
    if (answer.bytes == 0) throw TrackingError("DAMON told nothing");

    remember(scan.process_, scan.plan_, answer.accessed);
    if (cost) learn(scan.plan_, *cost + scan.taken_to_begin_ + (thread_cpu_time() - before));
    HeatScan result;
    result.warning = part_told(answer.bytes, scan.plan_.bytes);
    result.samples = static_cast<int>(scan.plan_.samples_counted);
    const auto expected =
        std::chrono::duration_cast<nanoseconds>(region_cost_ * work_of(scan.plan_));
    result.cost = std::chrono::duration_cast<microseconds>(cost.value_or(expected));
    result.accessed = std::move(answer.accessed);
    return result;
}

std::unique_ptr<HeatTracker> probe_damon(const std::string& sysfs_root, milliseconds scan_time,
                                         std::string& why_not) {
    std::unique_ptr<DamonFiles> files = open_damon_files(sysfs_root, why_not);
    if (!files) return nullptr;
    try {
        return std::make_unique<DamonTracker>(std::move(files), scan_time);
    } catch (const TrackingError& error) {
        why_not = error.what();
        return nullptr;
    }
}

}  // namespace vnuma
