#include "guests/tracking/soft_dirty/soft_dirty_tracker.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/pagemap.hpp"
#include "guests/process/cpu_time.hpp"
#include "guests/process/process.hpp"
#include "guests/tracking/heat/tracked_memory.hpp"
#include "guests/tracking/soft_dirty/written_pages.hpp"

namespace vnuma {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// The expected time of a page fault: the vCPU leaves the guest, the page tables of KVM and of the
// process are walked, one entry is written in each, and the vCPU enters the guest.
constexpr nanoseconds time_of_fault{4000};
// The expected times per page of a guest that was never scanned.
constexpr nanoseconds time_to_clear{30}, time_to_read{10};

constexpr const char* clear_refs_file = "clear_refs";
constexpr const char* clear_soft_dirty_bits = "4";
constexpr std::size_t pages_per_read = 4096;

std::string file_error(const GuestSample& guest, const char* file, int error) {
    return "/proc/" + std::to_string(guest.process->pid()) + "/" + file + ": " +
           std::generic_category().message(error);
}

// Returns how long the write took.
microseconds clear_bits(const GuestSample& guest) {
    const auto start = steady_clock::now();
    if (!guest.process->write(clear_refs_file, clear_soft_dirty_bits))
        throw TrackingError(file_error(guest, clear_refs_file, errno));
    return std::chrono::duration_cast<microseconds>(steady_clock::now() - start);
}

std::size_t vcpus_of(const GuestSample& guest) {
    std::size_t count = 0;
    for (const CellSample& cell : guest.cells)
        count += cell.vcpus.size();
    return count;
}

// The number of pages as if all were small, since the number of huge pages is unknown before a
// scan.
std::int64_t small_pages_of(const GuestSample& guest) {
    std::int64_t bytes = 0;
    for (const CellSample& cell : guest.cells)
        for (const auto& [node, on_node] : cell.residency.bytes)
            bytes += on_node;
    return bytes / static_cast<std::int64_t>(small_page_bytes);
}

}  // namespace

// Reads the bits of all of the guest's pages. Several calls of finish() share the work for large
// guests, so that pages that are read later have had a little more time to be written.
class SoftDirtyTracker::Scan : public PendingScan {
  public:
    Scan(SoftDirtyTracker& tracker, const GuestSample& guest)
        : tracker_(tracker),
          uuid_(guest.uuid),
          process_(guest.process),
          pagemap_(open_pagemap(*process_)),
          ranges_(ranges_without_hugetlb(guest)),
          piece_bytes_(piece_bytes_for(ranges_, max_pieces)),
          vcpus_(static_cast<int>(vcpus_of(guest))),
          pages_(small_pages_of(guest)) {
        // This comes last, after anything that may throw, since it disturbs the guest.
        clearing_ = clear_bits(guest);
    }

    std::optional<HeatScan> finish() override {
        const auto start = thread_cpu_time();
        for (std::uint64_t pages = 0; pages < max_pages_per_call && range_ < ranges_.size();)
            pages += read_next();
        reading_ += std::chrono::duration_cast<microseconds>(thread_cpu_time() - start);
        if (range_ < ranges_.size()) return std::nullopt;

        HeatScan scan;
        scan.accessed = std::move(accessed_);
        scan.samples = pages_in_chunk;  // no write is missed
        // How many pages were accessed again is unknown; at most all mappings were. The vCPUs are
        // held up while the bits are cleared.
        scan.cost = clearing_ * vcpus_ +
                    std::chrono::duration_cast<microseconds>(total_.mappings * time_of_fault);
        if (tracker_.costs_.size() >= max_guests) tracker_.costs_.clear();
        tracker_.costs_[uuid_] = {process_->pid(), scan.cost + clearing_ + reading_, clearing_,
                                  pages_};
        return scan;
    }

  private:
    // Reads up to pages_per_read pages of one range. Returns their number, plus 1 so that empty
    // ranges count too.
    std::uint64_t read_next() {
        const RamRange& range = ranges_[range_];
        const std::uint64_t rest = (range.size - offset_) / small_page_bytes;
        const auto entries =
            std::span(entries_).first(std::min<std::uint64_t>(rest, pages_per_read));
        read_pagemap(pagemap_, *process_, range.start + offset_, entries);
        for (std::size_t i = 0; i < entries.size(); i += pages_in_chunk)
            add(range,
                entries.subspan(i, std::min<std::size_t>(pages_in_chunk, entries.size() - i)));
        if (entries.size() == rest) {
            ++range_;
            offset_ = 0;
        }
        return entries.size() + 1;
    }

    // Adds a chunk to the piece it is in, and completes the piece with its last chunk.
    void add(const RamRange& range, std::span<const std::uint64_t> entries) {
        piece_ += count_written(entries);
        offset_ += entries.size_bytes() / sizeof(std::uint64_t) * small_page_bytes;
        const bool last = range.size - offset_ < small_page_bytes;
        if (offset_ % piece_bytes_ != 0 && !last) return;
        const std::uint64_t start = (offset_ - 1) / piece_bytes_ * piece_bytes_;
        append_range(accessed_, {range.start + start, range.start + (last ? range.size : offset_),
                                 level_of(piece_)});
        total_ += std::exchange(piece_, {});
    }

    SoftDirtyTracker& tracker_;
    const std::string uuid_;
    const std::shared_ptr<const Process> process_;
    const Pagemap pagemap_;
    const std::vector<RamRange> ranges_;
    const std::uint64_t piece_bytes_;
    const int vcpus_;
    const std::int64_t pages_;
    microseconds clearing_{0}, reading_{0};
    std::size_t range_ = 0;
    std::uint64_t offset_ = 0;  // in the range, of the next page to read
    WrittenPages piece_, total_;
    std::vector<AccessedRange> accessed_;
    std::array<std::uint64_t, pages_per_read> entries_{};
};

Ability SoftDirtyTracker::ability(const GuestSample&) const {
    Ability ability;
    ability.writes = ability.told_apart = ability.per_chunk = true;
    ability.cost = "a page fault per scan for each page that is accessed";
    return ability;
}

std::string SoftDirtyTracker::unsupported_reason(const GuestSample& guest) const {
    if (!guest.process) return "the guest's process is unknown";
    if (guest.cells.empty()) return "the guest's memory is unknown";
    if (ranges_without_hugetlb(guest).empty())
        return "the guest's memory consists of hugetlb pages, which have no soft-dirty bits";
    // Opening the files alone has no effect on the guest.
    if (!guest.process->open_for_writing(clear_refs_file))
        return file_error(guest, clear_refs_file, errno) + " (CAP_DAC_OVERRIDE is needed)";
    if (!guest.process->open_for_reading("pagemap")) return file_error(guest, "pagemap", errno);
    return "";
}

const SoftDirtyTracker::Cost* SoftDirtyTracker::last_cost(const GuestSample& guest) const {
    const auto known = costs_.find(guest.uuid);
    const bool is_same_process =
        known != costs_.end() && guest.process && known->second.pid == guest.process->pid();
    return is_same_process ? &known->second : nullptr;
}

microseconds SoftDirtyTracker::estimate(const GuestSample& guest) const {
    if (const Cost* cost = last_cost(guest)) return cost->cpu_time;
    const nanoseconds per_page =
        time_of_fault + time_to_read + time_to_clear * (1 + static_cast<int>(vcpus_of(guest)));
    return std::chrono::duration_cast<microseconds>(small_pages_of(guest) * per_page);
}

microseconds SoftDirtyTracker::stall(const GuestSample& guest) const {
    const std::int64_t pages = small_pages_of(guest);
    nanoseconds stall = pages * time_to_clear;
    // The stall of the last scan, plus the same per page for the pages the guest has got since.
    if (const Cost* cost = last_cost(guest)) {
        const std::int64_t pages_then = std::max<std::int64_t>(cost->pages, 1);
        stall = cost->stall + std::max<std::int64_t>(pages - pages_then, 0) *
                                  std::max(time_to_clear, nanoseconds(cost->stall) / pages_then);
    }
    return std::chrono::duration_cast<microseconds>(stall);
}

std::unique_ptr<PendingScan> SoftDirtyTracker::begin(const GuestSample& guest,
                                                     std::chrono::milliseconds) {
    const std::string reason = unsupported_reason(guest);
    if (!reason.empty()) throw TrackingError(reason);
    return std::make_unique<Scan>(*this, guest);
}

// Memory that has just been mapped counts as written if the kernel keeps soft-dirty bits, and never
// does otherwise. So the probe clears nobody's bits.
std::unique_ptr<HeatTracker> probe_soft_dirty(std::string& error) {
    error.clear();
    void* memory = ::mmap(nullptr, small_page_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        error = "cannot map a page to probe soft-dirty bits with";
        return nullptr;
    }
    *static_cast<volatile char*>(memory) = 1;
    std::array<std::uint64_t, 1> entry{};
    try {
        if (const auto self = Process::open(::getpid()))
            read_pagemap(open_pagemap(*self), *self, reinterpret_cast<std::uintptr_t>(memory),
                         entry);
        if ((entry[0] & pagemap_soft_dirty) == 0)
            error = "this kernel keeps no soft-dirty bits (CONFIG_MEM_SOFT_DIRTY)";
    } catch (const std::exception& failure) {
        error = failure.what();
    }
    ::munmap(memory, small_page_bytes);
    return error.empty() ? std::make_unique<SoftDirtyTracker>() : nullptr;
}

}  // namespace vnuma
