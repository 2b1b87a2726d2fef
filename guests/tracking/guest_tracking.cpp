#include "guests/tracking/guest_tracking.hpp"

#include <algorithm>
#include <bit>

#include "guests/cpu_time.hpp"

namespace vnuma {
namespace {

constexpr int several_accessors = -2, no_accessor = -1;

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
    return static_cast<std::size_t>(id + 1);
}

int code_of(const Accessor& accessor) {
    if (accessor.kind == Accessor::one) return accessor.vcpu;
    return accessor.kind == Accessor::several ? several_accessors : no_accessor;
}

}  // namespace

GuestTracking::GuestTracking(const TrackingSettings& settings)
    : settings_(settings),
      budget_(settings.overhead_permille),
      looks_(settings),
      rounds_(settings) {}

void GuestTracking::update(const GuestSample& guest, const TrackingHint& hint,
                           const std::string& no_counter, Time now) {
    if (guest.process != process_) {
        *this = GuestTracking(TrackingSettings(settings_));
        process_ = guest.process;
    }
    hint_ = hint;
    follow_memory(guest);
    budget_.earn(now, run_time_of(guest));
    rounds_.set_wanted(hint.attribute, why_no_rounds(guest, no_counter));
    if (!hint.changed) return;
    looks_.restart();
    rounds_.restart();
    stale_ = true;
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
    vcpu_of_thread_ = vcpus_by_thread(guest);
    const std::size_t vcpus = highest(vcpu_of_thread_);
    const bool same_memory = ranges == table_.grid().ranges();
    if (!same_memory) {
        looks_.abandon();
        const std::uint64_t chunk = heat_chunk_bytes(bytes, ranges.size());
        table_.change_grid(ChunkGrid(std::move(ranges), chunk, max_heat_chunks));
        heat_by_cell_.clear();
        stale_ = true;
    }
    if (!same_memory || !touching_ || touching_->vcpus() != std::min(vcpus, TouchMatrix::max_vcpus))
        touching_ = std::make_shared<TouchMatrix>(vcpus, table_.grid().size());
}

std::string GuestTracking::why_no_rounds(const GuestSample& guest,
                                         const std::string& no_counter) const {
    if (!settings_.attribution) return "switched off (tracking.attribution)";
    if (!no_counter.empty()) return no_counter;
    if (!settings_.may_induce_faults) return "only faults that happen anyway: nothing is touched";
    if (!guest.unsteady.empty()) return guest.unsteady;
    if (physical_.empty()) return "where its memory is in guest-physical memory is not known";
    return "";
}

int GuestTracking::shift() const {
    return std::bit_width(table_.grid().chunk_bytes()) - 1;
}

void GuestTracking::count(std::span<const CountedFaults> faults,
                          std::chrono::nanoseconds fault_time) {
    if (table_.grid().size() == 0 || faults.empty()) return;
    const auto cpu = thread_cpu_time();
    std::vector<CountedFaults> known(faults.begin(), faults.end());
    for (CountedFaults& one : known) {
        const auto vcpu = vcpu_of_thread_.find(one.thread);
        one.vcpu = vcpu == vcpu_of_thread_.end() ? -1 : vcpu->second;
    }
    const FoldedFaults folded = fold(known, shift(), physical_, table_, *touching_);
    rounds_.count(folded, fault_time, budget_);
    budget_.charge(thread_cpu_time() - cpu);
}

void GuestTracking::end_round_if_over(Time now) {
    if (!rounds_.end_if_over(now)) return;
    agreed_ = shared_ = 0;
    for (std::size_t chunk = 0; chunk < table_.grid().size(); ++chunk) {
        const Accessor accessor = table_.accessor(chunk);
        agreed_ += accessor.kind == Accessor::one ? 1 : 0;
        shared_ += accessor.kind == Accessor::several ? 1 : 0;
    }
    // A new one: those who were given the old one may still read it.
    touching_ = std::make_shared<TouchMatrix>(*touching_);
    touching_->halve();
}

void GuestTracking::read_where_heat_is(PageReader& reader) {
    stale_ = false;
    if (!process_ || process_->recorded() || looks_.state().looks == 0) return;
    const auto cpu = thread_cpu_time();
    try {
        heat_by_cell_ = read_heat_by_cell(*process_, reader, table_, owner_, pass_++);
    } catch (const std::system_error&) {
        // What was known before is kept; residency, read the same way, says why.
    }
    budget_.charge(thread_cpu_time() - cpu);
}

void GuestTracking::fill(TrackingSample& sample, bool with_map) const {
    sample.heat = looks_.state();
    sample.attribution = rounds_.state();
    sample.attribution.agreed = agreed_;
    sample.attribution.shared = shared_;
    sample.chunks = table_.grid().size();
    sample.chunk_bytes = table_.grid().chunk_bytes();
    sample.hot_chunks = 0;
    const std::uint16_t hot = table_.hot_from();
    for (std::size_t chunk = 0; chunk < sample.chunks; ++chunk)
        sample.hot_chunks += table_.heat(chunk) >= hot ? 1 : 0;
    sample.earned = budget_.earned();
    sample.spent = budget_.spent();
    sample.heat_by_cell = heat_by_cell_;
    if (rounds_.state().rounds > 0) sample.touching = touching_;
    if (with_map) sample.map = chunk_map();
}

std::vector<ChunkUse> GuestTracking::chunk_map() const {
    std::vector<ChunkUse> map;
    for (std::size_t chunk = 0; chunk < table_.grid().size(); ++chunk) {
        const Accessor accessor = table_.accessor(chunk);
        if (!table_.known(chunk) && accessor.kind == Accessor::unknown) continue;
        const RamRange range = table_.grid().chunk(chunk);
        map.push_back({physical_.guest_address(range.start).value_or(range.start), range.size,
                       table_.heat(chunk) * 1000 / max_level, code_of(accessor),
                       table_.write_share(chunk)});
    }
    return map;
}

}  // namespace vnuma
