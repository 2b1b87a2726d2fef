#include "guests/tracking/memory_use.hpp"

#include <algorithm>
#include <bit>
#include <system_error>
#include <utility>

#include "guests/process/process.hpp"

namespace vnuma {
namespace {

// Buckets of one guest. The kernel's table (max_fault_kinds) has room for a few times as many.
constexpr std::size_t max_buckets = 16'384;
constexpr int several_accessors = -2, no_accessor = -1;

std::map<pid_t, int> vcpus_by_thread(const GuestSample& guest) {
    std::map<pid_t, int> vcpus;
    for (const CellSample& cell : guest.cells)
        for (const VcpuSample& vcpu : cell.vcpus)
            vcpus[vcpu.thread] = vcpu.id;
    return vcpus;
}

// One more than the highest vCPU id.
std::size_t vcpu_rows(const std::map<pid_t, int>& vcpus) {
    int highest = -1;
    for (const auto& [thread, vcpu] : vcpus)
        highest = std::max(highest, vcpu);
    return static_cast<std::size_t>(highest) + 1;
}

// Rounded up, so that only a heat of 0 becomes 0.
int per_mille_of(std::uint16_t heat) {
    return (heat * 1000 + max_level - 1) / max_level;
}

// Returns the code of ChunkUse::accessor.
int code_of(const Accessor& accessor) {
    if (accessor.kind == Accessor::one) return accessor.vcpu;
    return accessor.kind == Accessor::several ? several_accessors : no_accessor;
}

}  // namespace

MemoryUse::Change MemoryUse::follow(const GuestSample& guest) {
    std::vector<RamRange> ranges;
    std::vector<RamBlock> blocks;
    std::uint64_t bytes = 0;
    cell_of_range_.clear();
    largest_page_ = 0;
    for (const CellSample& cell : guest.cells)
        for (const RamBlock& block : cell.blocks) {
            ranges.push_back(block.host);
            cell_of_range_.push_back(cell.id);
            blocks.push_back(block);
            bytes += block.host.size;
            largest_page_ = std::max(largest_page_, static_cast<std::uint64_t>(block.page_bytes));
        }
    physical_ = GuestPhysicalMap(blocks);
    vcpu_of_thread_ = vcpus_by_thread(guest);
    const std::size_t rows = vcpu_rows(vcpu_of_thread_);
    const Change change{ranges != table_.grid().ranges(),
                        access_matrix_.vcpus() != std::min(rows, AccessMatrix::max_vcpus)};
    if (change.memory) {
        const std::uint64_t chunk = heat_chunk_bytes(bytes, ranges.size());
        table_.change_grid(ChunkGrid(std::move(ranges), chunk, max_heat_chunks));
        heat_by_cell_.clear();
    }
    if (change.memory || change.vcpus) {
        access_matrix_ = AccessMatrix(rows, table_.grid().size());
        observations_ = rounds_ = 0;
        accesses_published_ = false;
        collected_.clear();
        owned_ = {};
        own_ranges_.reset();
        summarize();
    }
    return change;
}

void MemoryUse::summarize() {
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

void MemoryUse::forget_heat() {
    table_.forget_heat();
    heat_by_cell_.clear();
    summarize();
}

// A bucket is no smaller than a chunk, nor than the page that KVM maps with one fault, and large
// enough that the guest leaves room in the kernel's table for others.
int MemoryUse::bucket_shift() const {
    const std::uint64_t least = std::max(table_.grid().chunk_bytes(), largest_page_);
    int shift = static_cast<int>(std::bit_width(least)) - 1;
    while (table_.grid().size() * table_.grid().chunk_bytes() >> shift > max_buckets)
        ++shift;
    return shift;
}

FaultSums MemoryUse::collect(std::span<const CountedFaults> faults, int shift,
                             std::uint64_t dropped) {
    FaultSums sums{0, 0, dropped};
    const bool located = shift == bucket_shift();
    for (const CountedFaults& one : faults) {
        const bool of_device =
            located && physical_.complete() && !physical_.overlaps(one.bucket << shift, shift);
        if (of_device) continue;
        if (!located || collected_.size() == max_fault_kinds) {
            sums.dropped += one.count;
            continue;
        }
        (one.write ? sums.writes : sums.reads) += one.count;
        collected_.push_back(one);
        const auto vcpu = vcpu_of_thread_.find(one.thread);
        collected_.back().vcpu = vcpu == vcpu_of_thread_.end() ? -1 : vcpu->second;
    }
    return sums;
}

RecordedFaults MemoryUse::record(FaultOrigin origin) {
    const RecordedFaults recorded =
        record_faults(collected_, bucket_shift(), physical_, table_, access_matrix_, origin);
    collected_.clear();
    if (recorded.chunks > 0) {
        ++observations_;
        rounds_ += origin == FaultOrigin::round ? 1 : 0;
    }
    summarize();
    return recorded;
}

bool MemoryUse::has_enough_observations(bool rounds_may_follow) const {
    constexpr std::uint64_t rounds_needed = 2, without_rounds = 8, before_rounds = 32;
    return rounds_ >= rounds_needed ||
           observations_ >= (rounds_may_follow ? before_rounds : without_rounds);
}

void MemoryUse::read_nodes(const Process& process, PageReader& reader) {
    try {
        heat_by_cell_ = read_heat_by_cell(process, reader, table_, cell_of_range_, pass_);
        if (observations_ > 0) {
            owned_ = read_owned_bytes(process, reader, table_, access_matrix_, pass_);
            own_ranges_ =
                std::make_shared<const std::vector<OwnRange>>(own_ranges(table_, access_matrix_));
        }
        ++pass_;
    } catch (const std::system_error&) {
        // See the header.
    }
}

void MemoryUse::fill(TrackingSample& sample, bool with_accesses, bool with_map) const {
    sample.chunks = table_.grid().size();
    sample.chunk_bytes = table_.grid().chunk_bytes();
    sample.hot_chunks = hot_;
    sample.hot_from = per_mille_of(hot_from_);
    sample.attribution.agreed = agreed_;
    sample.attribution.shared = shared_;
    sample.heat_by_cell = heat_by_cell_;
    sample.hot_ranges = hot_ranges_;
    if (with_accesses && accesses_published_) {
        sample.access_matrix = std::make_shared<const AccessMatrix>(access_matrix_);
        sample.owned = owned_;
        sample.own_ranges = own_ranges_;
    }
    if (with_map) sample.map = chunk_map();
}

std::vector<ChunkUse> MemoryUse::chunk_map() const {
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
