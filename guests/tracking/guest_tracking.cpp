#include "guests/tracking/guest_tracking.hpp"

#include <algorithm>
#include <bit>

#include "guests/model/access_matrix.hpp"
#include "guests/process/cpu_time.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

// Of one guest: a few times as many kinds fit into the kernel's table (max_fault_kinds).
constexpr std::size_t max_groups_counted = 16'384;
constexpr int several_accessors = -2, no_accessor = -1;
constexpr int least_rest = 100;

std::chrono::nanoseconds run_time_of(const GuestSample& guest) {
    std::uint64_t run_ns = 0;
    for (const CellSample& cell : guest.cells)
        for (const VcpuSample& vcpu : cell.vcpus)
            run_ns += vcpu.run_ns;
    return std::chrono::nanoseconds(run_ns);
}

std::map<pid_t, int> vcpus_by_thread(const GuestSample& guest) {
    std::map<pid_t, int> vcpus;
    for (const CellSample& cell : guest.cells)
        for (const VcpuSample& vcpu : cell.vcpus)
            vcpus[vcpu.thread] = vcpu.id;
    return vcpus;
}

std::size_t highest(const std::map<pid_t, int>& vcpus) {
    int id = -1;
    for (const auto& [thread, vcpu] : vcpus)
        id = std::max(id, vcpu);
    return static_cast<std::size_t>(id) + 1;
}

// Upwards, so that nothing but 0 becomes 0.
int per_mille_of(std::uint16_t heat) {
    return (heat * 1000 + max_level - 1) / max_level;
}

int code_of(const Accessor& accessor) {
    if (accessor.kind == Accessor::one) return accessor.vcpu;
    return accessor.kind == Accessor::several ? several_accessors : no_accessor;
}

}  // namespace

GuestTracking::GuestTracking(const TrackingSettings& settings)
    : settings_(settings),
      budget_(settings.overhead_permille),
      scans_(settings),
      rounds_(settings) {}

void GuestTracking::update(const GuestSample& guest, const TrackingHint& hint,
                           const std::string& no_counter, Time now) {
    if (guest.process != process_) {
        *this = GuestTracking(TrackingSettings(settings_));
        process_ = guest.process;
    }
    hint_ = hint;
    follow_memory(guest);
    if (hot_ > 0 && scans_.outdated(now)) {
        table_.forget_heat();
        heat_by_cell_.clear();
        stale_ = true;
        count_chunks();
    }
    budget_.earn(now, run_time_of(guest), static_cast<int>(vcpu_of_thread_.size()));
    rounds_.set_wanted(hint.attribute, why_no_rounds(guest, no_counter));
    if (hint.moved) stale_ = moved_ = true;
    // Not while its memory is moved: that changes nothing of who uses it, and takes long.
    if (!hint.changed) return;
    scans_.restart();
    rounds_.restart();
}

void GuestTracking::follow_memory(const GuestSample& guest) {
    std::vector<RamRange> ranges;
    std::vector<RamBlock> blocks;
    owner_.clear();
    std::uint64_t bytes = 0;
    for (const CellSample& cell : guest.cells)
        for (const RamBlock& block : cell.blocks) {
            ranges.push_back(block.host);
            owner_.push_back(cell.id);
            blocks.push_back(block);
            bytes += block.host.size;
        }
    physical_ = GuestPhysicalMap(blocks);
    largest_page_ = 0;
    for (const RamBlock& block : blocks)
        largest_page_ = std::max(largest_page_, static_cast<std::uint64_t>(block.page_bytes));
    vcpu_of_thread_ = vcpus_by_thread(guest);
    const std::size_t vcpus = highest(vcpu_of_thread_);
    const bool same_memory = ranges == table_.grid().ranges();
    if (!same_memory) {
        scans_.abandon(budget_);
        const std::uint64_t chunk = heat_chunk_bytes(bytes, ranges.size());
        table_.change_grid(ChunkGrid(std::move(ranges), chunk, max_heat_chunks));
        heat_by_cell_.clear();
        stale_ = true;
        scans_.restart();
    }
    if (same_memory && access_matrix_.vcpus() == std::min(vcpus, AccessMatrix::max_vcpus)) return;
    access_matrix_ = AccessMatrix(vcpus, table_.grid().size());
    observations_ = rounds_observed_ = 0;
    observed_.clear();
    rounds_.forget_rounds();
    owned_ = {};
    own_ranges_.reset();
    is_told_ = false;
    count_chunks();
}

std::string GuestTracking::why_no_rounds(const GuestSample& guest,
                                         const std::string& no_counter) const {
    if (!no_counter.empty()) return no_counter;
    if (settings_.heat == HeatChoice::soft_dirty)
        return "soft-dirty tracking and rounds would take each other's marks";
    if (!settings_.may_disturb || !hint_.may_disturb)
        return "only faults that happen anyway: nothing is touched";
    if (!guest.unsteady.empty()) return guest.unsteady;
    if (physical_.empty()) return "where its memory is in guest-physical memory is not known";
    return "";
}

// Counted no finer than the chunks, nor than KVM maps at once, and so that a guest leaves room for
// others.
int GuestTracking::shift() const {
    const std::uint64_t least = std::max(table_.grid().chunk_bytes(), largest_page_);
    int shift = static_cast<int>(std::bit_width(least)) - 1;
    while (table_.grid().size() * table_.grid().chunk_bytes() >> shift > max_groups_counted)
        ++shift;
    return shift;
}

void GuestTracking::count(std::span<const CountedFaults> faults, int counted_by,
                          std::uint64_t dropped, std::chrono::nanoseconds fault_time) {
    FaultSums sums{0, 0, dropped};
    for (const CountedFaults& one : faults) {
        // Of a device: with AMD's nested paging every access to one is a page fault.
        if (counted_by == shift() && physical_.complete() &&
            !physical_.overlaps(one.bucket << counted_by, counted_by))
            continue;
        if (counted_by != shift() || observed_.size() == max_fault_kinds) {
            sums.dropped += one.count;
            continue;
        }
        (one.write ? sums.writes : sums.reads) += one.count;
        observed_.push_back(one);
        const auto vcpu = vcpu_of_thread_.find(one.thread);
        observed_.back().vcpu = vcpu == vcpu_of_thread_.end() ? -1 : vcpu->second;
    }
    rounds_.charge(sums, fault_time, budget_);
}

void GuestTracking::end_observation_if_over(Time now) {
    if (rounds_.running() ? !rounds_.over(now) : now < observing_since_ + settings_.round_time)
        return;
    observing_since_ = now;
    observe();
}

void GuestTracking::observe() {
    if (!rounds_.running()) rounds_.settle();
    if (observed_.empty() && !rounds_.running()) return;
    const auto cpu = thread_cpu_time();
    RecordedFaults recorded;
    if (!observed_.empty() && table_.grid().size() > 0) {
        const auto origin = rounds_.running() ? FaultOrigin::round : FaultOrigin::incidental;
        recorded = record_faults(observed_, shift(), physical_, table_, access_matrix_, origin);
        observations_ += recorded.chunks > 0 ? 1 : 0;
        rounds_observed_ += recorded.chunks > 0 && rounds_.running() ? 1 : 0;
        stale_ = true;
        count_chunks();
    }
    observed_.clear();
    if (rounds_.running()) rounds_.end(recorded, hint_.well_placed);
    budget_.charge(thread_cpu_time() - cpu);
}

bool GuestTracking::begin_round(std::chrono::nanoseconds fault_time, PageCounter& counter,
                                Time now) {
    if (!rounds_.take_turn(budget_, now)) return false;
    const auto counted = counter.count(process_, largest_page_);
    if (!counted) {
        rounds_.await_count();
        return false;
    }
    if (!rounds_.decide(*counted, fault_time, budget_, now)) return false;
    observe();  // faults before the round are no part of it
    observing_since_ = now;
    return rounds_.start(clear_mappings(*process_), budget_);
}

void GuestTracking::finish_scan(Time now) {
    const int before = scans_.state().agreement;
    const bool held_up = rounds_.has_run_since(scans_.last());
    if (!scans_.finish(table_, hint_.well_placed, held_up, budget_, now)) return;
    // What is used has just become other memory, and who uses that may not be known.
    const int after = scans_.state().agreement;
    if (before >= AdaptivePeriod::disagreeing && after < AdaptivePeriod::disagreeing)
        rounds_.restart();
    stale_ = true;
    const auto cpu = thread_cpu_time();
    count_chunks();
    budget_.charge(thread_cpu_time() - cpu);
}

bool GuestTracking::is_seen_enough() const {
    constexpr std::uint64_t rounds_wanted = 2, without_rounds = 8, while_rounds_wait = 32;
    return rounds_observed_ >= rounds_wanted ||
           observations_ >= (rounds_.report().trouble.empty() ? while_rounds_wait : without_rounds);
}

void GuestTracking::count_chunks() {
    hot_from_ = table_.hot_from();
    hot_ranges_ = std::make_shared<const std::vector<RamRange>>(hot_ranges(table_, hot_from_));
    hot_ = agreed_ = shared_ = 0;
    for (std::size_t chunk = 0; chunk < table_.grid().size(); ++chunk) {
        hot_ += table_.heat(chunk) >= hot_from_ ? 1 : 0;
        const Accessor accessor = table_.accessor(chunk);
        agreed_ += accessor.kind == Accessor::one ? 1 : 0;
        shared_ += accessor.kind == Accessor::several ? 1 : 0;
    }
}

bool GuestTracking::may_read_where_it_is(Time now) const {
    if (is_seen_enough() && !is_told_) return true;
    // Where it has gone by our own doing is planned with: it has to be known whatever is owed, but
    // reading it takes a hundredth of the time at most.
    if (moved_ && now >= read_at_ + reading_ * least_rest) return true;
    return budget_.allows(std::chrono::nanoseconds(0), settings_.period.most);
}

void GuestTracking::read_where_it_is(PageReader& reader, Time now) {
    if (!may_read_where_it_is(now)) return;
    stale_ = moved_ = false;
    read_at_ = now;
    is_told_ |= is_seen_enough();
    if (!process_ || process_->is_recording()) return;
    const auto cpu = thread_cpu_time();
    try {
        heat_by_cell_ = read_heat_by_cell(*process_, reader, table_, owner_, pass_);
        if (observations_ > 0) {
            owned_ = read_owned_bytes(*process_, reader, table_, access_matrix_, pass_);
            own_ranges_ =
                std::make_shared<const std::vector<OwnRange>>(own_ranges(table_, access_matrix_));
        }
        ++pass_;
    } catch (const std::system_error&) {
        // What was known before is kept; residency, read the same way, says why.
    }
    reading_ = thread_cpu_time() - cpu;
    budget_.charge(reading_);
}

void GuestTracking::fill(TrackingSample& sample, bool with_map) const {
    sample.heat = scans_.state();
    sample.attribution = rounds_.report();
    sample.attribution.agreed = agreed_;
    sample.attribution.shared = shared_;
    sample.chunks = table_.grid().size();
    sample.chunk_bytes = table_.grid().chunk_bytes();
    sample.hot_chunks = hot_;
    sample.hot_from = per_mille_of(hot_from_);
    sample.earned = budget_.earned();
    sample.spent = budget_.spent();
    sample.heat_by_cell = heat_by_cell_;
    sample.hot_ranges = hot_ranges_;
    if (hint_.attribute && is_told_) {
        sample.access_matrix = std::make_shared<const AccessMatrix>(access_matrix_);
        sample.owned = owned_;
        sample.own_ranges = own_ranges_;
    }
    if (with_map) sample.map = chunk_map();
}

std::vector<ChunkUse> GuestTracking::chunk_map() const {
    std::vector<ChunkUse> map;
    for (std::size_t chunk = 0; chunk < table_.grid().size(); ++chunk) {
        const Accessor accessor = table_.accessor(chunk);
        if (!table_.known(chunk) && accessor.kind == Accessor::unknown) continue;
        const RamRange range = table_.grid().chunk(chunk);
        map.push_back({physical_.guest_address(range.start).value_or(range.start), range.size,
                       per_mille_of(table_.heat(chunk)), code_of(accessor),
                       table_.write_share(chunk)});
    }
    return map;
}

}  // namespace vnuma
