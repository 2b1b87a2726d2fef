#include "guests/tracking/soft_dirty/soft_dirty_tracker.hpp"

#include <fcntl.h>
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

namespace vnuma {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// A guess: a vCPU leaves the guest, KVM and the host's own page table are asked, one entry is
// written in each, and the vCPU goes back.
constexpr nanoseconds time_of_fault{4000};
// Guesses for a guest that was never looked at: taking a mark off, and reading an entry.
constexpr nanoseconds time_to_clear{30}, time_to_read{10};

constexpr const char* marks_file = "clear_refs";
constexpr std::size_t pages_at_once = 4096;

std::string file_error(const GuestSample& guest, const char* file, int error) {
    return "/proc/" + std::to_string(guest.process->pid()) + "/" + file + ": " +
           std::generic_category().message(error);
}

// How long it took.
microseconds take_marks_off(const GuestSample& guest) {
    const auto start = steady_clock::now();
    if (!guest.process->write(marks_file, "4"))
        throw TrackingError(file_error(guest, marks_file, errno));
    return std::chrono::duration_cast<microseconds>(steady_clock::now() - start);
}

std::size_t vcpus_of(const GuestSample& guest) {
    std::size_t count = 0;
    for (const CellSample& cell : guest.cells)
        count += cell.vcpus.size();
    return count;
}

// Pages and page tables alike are those of transparent huge pages if they lie like one.
bool is_huge_page(std::span<const std::uint64_t> entries) {
    const std::uint64_t first = entries.front() & pagemap_pfn;
    if (entries.size() != pages_in_chunk || first == 0 || first % pages_in_chunk != 0) return false;
    for (std::size_t i = 0; i < entries.size(); ++i)
        if ((entries[i] & pagemap_present) == 0 || (entries[i] & pagemap_pfn) != first + i)
            return false;
    return true;
}

// As if all pages were small: nobody has told yet.
std::int64_t small_pages_of(const GuestSample& guest) {
    std::int64_t bytes = 0;
    for (const CellSample& cell : guest.cells)
        for (const auto& [node, on_node] : cell.residency.bytes)
            bytes += on_node;
    return bytes / static_cast<std::int64_t>(small_page_bytes);
}

}  // namespace

WrittenPages& WrittenPages::operator+=(const WrittenPages& other) {
    present += other.present;
    written += other.written;
    mappings += other.mappings;
    return *this;
}

WrittenPages count_written(std::span<const std::uint64_t> entries) {
    WrittenPages pages;
    if (entries.empty()) return pages;
    for (const std::uint64_t entry : entries) {
        const bool present = (entry & pagemap_present) != 0;
        pages.present += present ? 1 : 0;
        pages.written += present && (entry & pagemap_soft_dirty) != 0 ? 1 : 0;
    }
    pages.mappings = is_huge_page(entries) ? 1 : pages.present;
    return pages;
}

std::uint16_t level_of(const WrittenPages& pages) {
    if (pages.present == 0) return 0;
    return static_cast<std::uint16_t>((pages.written * max_level + pages.present - 1) /
                                      pages.present);
}

// Reads the marks of all of the guest, in several calls if that takes long: what is read later has
// had a little more time to be written.
class SoftDirtyTracker::Scan : public PendingScan {
  public:
    Scan(SoftDirtyTracker& tracker, const GuestSample& guest)
        : tracker_(tracker),
          uuid_(guest.uuid),
          process_(guest.process),
          pagemap_(open_pagemap(*process_)),
          ranges_(ranges_of_plain_pages(guest)),
          piece_bytes_(piece_bytes_for(ranges_, max_pieces)),
          vcpus_(static_cast<int>(vcpus_of(guest))),
          pages_(small_pages_of(guest)) {
        // Last: from here on it costs the guest something.
        clearing_ = take_marks_off(guest);
    }

    std::optional<HeatScan> finish() override {
        const auto start = thread_cpu_time();
        for (std::uint64_t pages = 0; pages < max_pages_of_call && range_ < ranges_.size();)
            pages += read_on();
        reading_ += std::chrono::duration_cast<microseconds>(thread_cpu_time() - start);
        if (range_ < ranges_.size()) return std::nullopt;

        HeatScan scan;
        scan.accessed = std::move(accessed_);
        scan.samples = pages_in_chunk;  // every write is seen
        // Nobody tells how much was touched again, only what was written; it is no more than what
        // there is. vCPUs stand still while the marks are taken off.
        scan.cost = clearing_ * vcpus_ +
                    std::chrono::duration_cast<microseconds>(all_.mappings * time_of_fault);
        if (tracker_.spent_.size() >= max_guests) tracker_.spent_.clear();
        tracker_.spent_[uuid_] = {process_->pid(), scan.cost + clearing_ + reading_, clearing_,
                                  pages_};
        return scan;
    }

  private:
    // Up to pages_at_once of one range. How many.
    std::uint64_t read_on() {
        const RamRange& range = ranges_[range_];
        const std::uint64_t rest = (range.size - offset_) / small_page_bytes;
        const auto entries =
            std::span(entries_).first(std::min<std::uint64_t>(rest, pages_at_once));
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

    // A chunk, to the piece that it is in.
    void add(const RamRange& range, std::span<const std::uint64_t> entries) {
        piece_ += count_written(entries);
        offset_ += entries.size_bytes() / sizeof(std::uint64_t) * small_page_bytes;
        const bool last = range.size - offset_ < small_page_bytes;
        if (offset_ % piece_bytes_ != 0 && !last) return;
        const std::uint64_t start = (offset_ - 1) / piece_bytes_ * piece_bytes_;
        add_range(accessed_, {range.start + start, range.start + (last ? range.size : offset_),
                              level_of(piece_)});
        all_ += std::exchange(piece_, {});
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
    std::uint64_t offset_ = 0;  // in the range
    WrittenPages piece_, all_;
    std::vector<AccessedRange> accessed_;
    std::array<std::uint64_t, pages_at_once> entries_{};
};

Ability SoftDirtyTracker::ability(const GuestSample&) const {
    return {false, true, true, true, false, "a page fault for each page touched, in every scan"};
}

std::string SoftDirtyTracker::why_not(const GuestSample& guest) const {
    if (!guest.process) return "its process is not known";
    if (guest.cells.empty()) return "its memory is not known";
    if (ranges_of_plain_pages(guest).empty())
        return "its memory is of hugetlb pages, which the kernel keeps no such marks for";
    // Opening alone changes nothing.
    const auto try_to_open = [&](const char* file, int fd) {
        if (fd < 0) return file_error(guest, file, errno);
        ::close(fd);
        return std::string();
    };
    const std::string trouble = try_to_open(marks_file, guest.process->open_to_write(marks_file));
    if (!trouble.empty()) return trouble + " (CAP_DAC_OVERRIDE is needed)";
    return try_to_open("pagemap", guest.process->open_file("pagemap"));
}

const SoftDirtyTracker::Spent* SoftDirtyTracker::spent_on(const GuestSample& guest) const {
    const auto known = spent_.find(guest.uuid);
    const bool same =
        known != spent_.end() && guest.process && known->second.pid == guest.process->pid();
    return same ? &known->second : nullptr;
}

microseconds SoftDirtyTracker::estimate(const GuestSample& guest) const {
    if (const Spent* spent = spent_on(guest)) return spent->all;
    const nanoseconds each =
        time_of_fault + time_to_read + time_to_clear * (1 + static_cast<int>(vcpus_of(guest)));
    return std::chrono::duration_cast<microseconds>(small_pages_of(guest) * each);
}

microseconds SoftDirtyTracker::stall(const GuestSample& guest) const {
    const std::int64_t pages = small_pages_of(guest);
    nanoseconds stall = pages * time_to_clear;
    // What the last one did, and as much more for the pages that it has got since.
    if (const Spent* spent = spent_on(guest)) {
        const std::int64_t then = std::max<std::int64_t>(spent->pages, 1);
        stall = spent->stall + std::max<std::int64_t>(pages - then, 0) *
                                   std::max(time_to_clear, nanoseconds(spent->stall) / then);
    }
    return std::chrono::duration_cast<microseconds>(stall);
}

std::unique_ptr<PendingScan> SoftDirtyTracker::begin(const GuestSample& guest,
                                                     std::chrono::milliseconds) {
    const std::string trouble = why_not(guest);
    if (!trouble.empty()) throw TrackingError(trouble);
    return std::make_unique<Scan>(*this, guest);
}

// Memory that has just been mapped counts as written where the kernel has these marks, and nothing
// ever does where it has not. So no marks of anybody have to be taken off to find out.
std::unique_ptr<HeatTracker> probe_soft_dirty(std::string& why_not) {
    why_not.clear();
    void* memory = ::mmap(nullptr, small_page_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        why_not = "no memory to try it with";
        return nullptr;
    }
    *static_cast<volatile char*>(memory) = 1;
    std::array<std::uint64_t, 1> entry{};
    try {
        if (const auto self = Process::open(::getpid()))
            read_pagemap(open_pagemap(*self), *self, reinterpret_cast<std::uintptr_t>(memory),
                         entry);
        if ((entry[0] & pagemap_soft_dirty) == 0)
            why_not = "this kernel does not mark written pages (CONFIG_MEM_SOFT_DIRTY)";
    } catch (const std::exception& error) {
        why_not = error.what();
    }
    ::munmap(memory, small_page_bytes);
    return why_not.empty() ? std::make_unique<SoftDirtyTracker>() : nullptr;
}

}  // namespace vnuma
