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

bool is_same_process(const Process& a, const Process& b) {
    return a.pid() == b.pid() && a.start_time() == b.start_time();
}

// The samples of regions that a scan takes, with the fixed cost of samples counted as regions.
std::int64_t region_samples(const DamonPlan& plan) {
    return (static_cast<std::int64_t>(plan.regions.size()) + sample_cost_in_regions) * plan.samples;
}

std::string describe_missing(std::uint64_t reported, std::uint64_t planned) {
    if (reported >= planned) return {};
    return "DAMON reported only " + std::to_string(reported / mib) + " of " +
           std::to_string(planned / mib) + " MiB";
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
        if (!std::exchange(ended_, true)) tracker_.pool_.release(kdamond_);
    }

    DamonTracker& tracker_;
    const std::size_t kdamond_;
    const std::shared_ptr<const Process> process_;
    const DamonPlan plan_;
    nanoseconds cpu_time_to_begin_{0};

  private:
    bool ended_ = false;
};

DamonTracker::DamonTracker(std::unique_ptr<DamonFiles> files, milliseconds scan_time)
    : scan_time_(scan_time), files_(std::move(files)), pool_(*files_) {
    pool_.remove_leftovers();
}

DamonTracker::~DamonTracker() = default;

Ability DamonTracker::ability(const GuestSample&) const {
    Ability ability;
    ability.reads = ability.writes = ability.per_chunk = true;
    ability.cost =
        "a kernel thread that checks one page of each of up to 1,024 regions at least "
        "four times a second";
    return ability;
}

std::string DamonTracker::unsupported_reason(const GuestSample& guest) const {
    if (!guest.process) return "the guest's process is unknown";
    const std::vector<RamRange> ranges = ranges_of(guest);
    if (too_many_ranges(ranges))
        return "the guest's memory consists of more than " + std::to_string(max_damon_regions) +
               " ranges";
    if (plan_scan(ranges, scan_time_, {}, report_timing_.per_aggregation()).bytes == 0)
        return "the addresses of the guest's memory are unknown";
    return {};
}

microseconds DamonTracker::estimate(const GuestSample& guest) const {
    if (!unsupported_reason(guest).empty()) return microseconds(0);
    return std::chrono::duration_cast<microseconds>(region_cost_ *
                                                    region_samples(plan_for(guest, scan_time_)));
}

std::vector<AccessedRange> DamonTracker::accessed_before(
    const GuestSample& guest, const std::vector<AddressRange>& ranges) const {
    for (const EarlierScan& scan : earlier_scans_)
        if (is_same_process(*scan.process, *guest.process) && scan.ranges == ranges)
            return scan.accessed;
    return {};
}

void DamonTracker::remember(std::shared_ptr<const Process> process, const DamonPlan& plan,
                            const std::vector<AccessedRange>& accessed) {
    std::erase_if(earlier_scans_, [&](const EarlierScan& scan) {
        return !scan.process->alive() || is_same_process(*scan.process, *process);
    });
    if (!plan.adapts) return;
    if (earlier_scans_.size() == max_guests_remembered)
        earlier_scans_.erase(earlier_scans_.begin());
    earlier_scans_.push_back({std::move(process), plan.ranges, accessed});
}

void DamonTracker::learn_cost(const DamonPlan& plan, nanoseconds cost) {
    region_cost_ += (cost / region_samples(plan) - region_cost_) / cost_learning_divisor;
}

DamonPlan DamonTracker::plan_for(const GuestSample& guest, milliseconds duration) const {
    const std::vector<RamRange> ranges = ranges_of(guest);
    DamonPlan plan = plan_scan(ranges, duration, {}, report_timing_.per_aggregation());
    const std::vector<AccessedRange> before =
        plan.adapts ? accessed_before(guest, plan.ranges) : std::vector<AccessedRange>();
    return before.empty() ? plan
                          : plan_scan(ranges, duration, before, report_timing_.per_aggregation());
}

void DamonTracker::turn_on(Scan& scan) {
    DamonTree& tree = pool_.tree();
    // If configure() throws, an unknown part of the new regions has been written.
    const std::vector<AddressRange> written =
        std::exchange(pool_.written_regions(scan.kdamond_), {});
    tree.configure(scan.kdamond_, scan.process_->pid(), scan.plan_, written);
    pool_.written_regions(scan.kdamond_) = scan.plan_.regions;
    if (!scan.process_->alive()) throw TrackingError("the guest has ended");
    tree.turn_on(scan.kdamond_);
    // The kernel resolves the pid when the kdamond is turned on. If the guest's process is alive
    // after that, the pid was not another process's.
    if (!scan.process_->alive()) throw TrackingError("the guest has ended");
}

std::unique_ptr<PendingScan> DamonTracker::begin(const GuestSample& guest, milliseconds duration) {
    if (const std::string reason = unsupported_reason(guest); !reason.empty())
        throw TrackingError(reason);
    const nanoseconds before = thread_cpu_time();
    DamonPlan plan = plan_for(guest, duration);
    const auto kdamond = pool_.acquire(plan.regions);
    if (!kdamond) return nullptr;
    if (!report_timing_.per_aggregation() && !pool_.tree().has_apply_interval(*kdamond)) {
        report_timing_.set_per_aggregation();
        plan = plan_for(guest, duration);
    }
    auto scan = std::make_unique<Scan>(*this, *kdamond, guest.process, std::move(plan));
    turn_on(*scan);
    scan->cpu_time_to_begin_ = thread_cpu_time() - before;
    return scan;
}

void DamonTracker::check_running(const Scan& scan) {
    if (!pool_.tree().is_on(scan.kdamond_))
        throw TrackingError(scan.process_->alive() ? "DAMON stopped during the scan"
                                                   : "the guest has ended");
}

HeatScan DamonTracker::finish(Scan& scan) {
    const nanoseconds before = thread_cpu_time();
    pool_.check_still_ours(scan.kdamond_);
    check_running(scan);
    DamonTree& tree = pool_.tree();
    report_timing_.record(tree.update_regions(scan.kdamond_), scan.plan_);
    // A kdamond that ends meanwhile reports no error, and leaves the regions of an earlier scan.
    check_running(scan);
    const auto cost = tree.cpu_time(scan.kdamond_);
    // The report stays readable, and sampling any longer would only cost CPU time.
    tree.turn_off(scan.kdamond_);
    DamonResult reported =
        interpret_regions(scan.plan_, tree.read_regions(scan.kdamond_, scan.plan_));
    scan.end();
    if (reported.bytes == 0) throw TrackingError("DAMON reported no regions of the guest's memory");

    remember(scan.process_, scan.plan_, reported.accessed);
    if (cost)
        learn_cost(scan.plan_, *cost + scan.cpu_time_to_begin_ + (thread_cpu_time() - before));
    HeatScan result;
    result.warning = describe_missing(reported.bytes, scan.plan_.bytes);
    result.samples = static_cast<int>(scan.plan_.samples_per_aggregation);
    const auto expected =
        std::chrono::duration_cast<nanoseconds>(region_cost_ * region_samples(scan.plan_));
    result.cost = std::chrono::duration_cast<microseconds>(cost.value_or(expected));
    result.accessed = std::move(reported.accessed);
    return result;
}

std::unique_ptr<HeatTracker> probe_damon(const std::string& sysfs_root, milliseconds scan_time,
                                         std::string& error) {
    std::unique_ptr<DamonFiles> files = open_damon_files(sysfs_root, error);
    if (!files) return nullptr;
    try {
        return std::make_unique<DamonTracker>(std::move(files), scan_time);
    } catch (const TrackingError& failure) {
        error = failure.what();
        return nullptr;
    }
}

}  // namespace vnuma
