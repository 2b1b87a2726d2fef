#include "guests/tracking/idle_page/idle_page_tracker.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/pagemap.hpp"
#include "guests/memory/read_page_frame_table.hpp"
#include "guests/process/cpu_time.hpp"
#include "guests/tracking/heat/tracked_memory.hpp"
#include "guests/tracking/idle_page/idle_page_sampling.hpp"

namespace vnuma {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

// The expected CPU time of one sample of a guest that was never scanned. A sample takes two reads
// of pagemap, one of kpageflags and a few more for a page of a large folio, and one or two writes
// and reads of the bitmap.
constexpr nanoseconds expected_time_of_sample{6000};

}  // namespace

class IdlePageTracker::Scan : public PendingScan {
  public:
    Scan(IdlePageTracker& tracker, const GuestSample& guest, std::uint64_t scan)
        : tracker_(tracker),
          uuid_(guest.uuid),
          process_(guest.process),
          pagemap_(open_pagemap(*process_)) {
        const auto start = thread_cpu_time();
        choose_pages(ranges_without_hugetlb(guest), scan);
        mark_samples();
        // Without a marked page the scan would report all memory as unused.
        if (samples_.empty()) throw TrackingError("no page of the guest could be marked as idle");
        cost_ = std::chrono::duration_cast<microseconds>(thread_cpu_time() - start);
        tracker_.scanned_guests_.insert(uuid_);
    }
    ~Scan() override { tracker_.scanned_guests_.erase(uuid_); }

    std::optional<HeatScan> finish() override {
        const auto start = thread_cpu_time();
        HeatScan scan;
        const std::size_t moved = drop_moved();
        if (samples_.empty()) throw TrackingError("all sampled pages were moved during the scan");
        for (const Sample& sample : read_marks())
            append_range(scan.accessed, {sample.start, sample.end, sample.level});
        if (moved > 0)
            scan.warning =
                "sampled pages that were moved during the scan: " + std::to_string(moved);
        cost_ += std::chrono::duration_cast<microseconds>(thread_cpu_time() - start);
        if (tracker_.cost_.size() >= max_guests) tracker_.cost_.clear();
        tracker_.cost_[uuid_] = cost_;
        return scan;
    }

  private:
    struct Sample {
        std::uint64_t start = 0, end = 0;  // the piece of memory
        std::uint64_t page = 0;            // address of the page that stands for the piece
        std::uint64_t pfn = 0;             // of that page
        std::uint64_t marked_pfn = 0;      // the page with the mark: the head page of the folio
        std::uint16_t level = 0;
    };

    // Returns 0 if there is no page.
    std::uint64_t pfn_at(std::uint64_t address) const {
        std::array<std::uint64_t, 1> entry{};
        read_pagemap(pagemap_, *process_, address, entry);
        return page_frame_of(entry[0]).value_or(0);
    }

    void choose_pages(const std::vector<RamRange>& ranges, std::uint64_t scan) {
        const std::uint64_t piece_bytes = piece_bytes_for(ranges, max_pages_sampled);
        for (const RamRange& range : ranges)
            for (std::uint64_t offset = 0; offset < range.size; offset += piece_bytes) {
                const std::uint64_t bytes = std::min(piece_bytes, range.size - offset);
                if (bytes < small_page_bytes) continue;
                Sample sample{range.start + offset, range.start + offset + bytes, 0, 0, 0, 0};
                sample.page = sample.start + page_of_scan(scan, sample.start / piece_bytes,
                                                          bytes / small_page_bytes) *
                                                 small_page_bytes;
                sample.pfn = sample.marked_pfn = pfn_at(sample.page);
                if (sample.pfn != 0) samples_.push_back(sample);
            }
    }

    // Marks the pages of all samples, and drops samples whose page did not take the mark. Only the
    // head page of a large folio takes one, for the whole folio.
    void mark_samples() {
        mark_idle(samples_);
        std::vector<Sample> marked, in_folios;
        for (const Sample& sample : samples_) {
            const std::uint64_t flags = flags_of(sample);
            if ((flags & page_is_tail) != 0)
                in_folios.push_back(sample);
            else if ((flags & page_is_idle) != 0)
                marked.push_back(sample);
        }
        go_to_heads(in_folios);
        mark_idle(in_folios);
        for (const Sample& sample : in_folios)
            if ((flags_of(sample) & (page_is_idle | page_is_tail)) == page_is_idle)
                marked.push_back(sample);
        samples_ = std::move(marked);
    }

    // Sets marked_pfn to the head page of the folio that each page is in, and drops samples without
    // one. A folio lies at a multiple of its size, which is a power of two.
    void go_to_heads(std::vector<Sample>& samples) const {
        std::erase_if(samples, [&](Sample& sample) {
            for (std::uint64_t size = 2; size <= pages_in_chunk; size *= 2) {
                const std::uint64_t pfn = sample.pfn - sample.pfn % size;
                if (pfn == sample.marked_pfn) continue;
                sample.marked_pfn = pfn;
                if ((flags_of(sample) & page_is_head) != 0) return false;
            }
            return true;
        });
    }

    void mark_idle(const std::vector<Sample>& samples) const {
        std::vector<std::uint64_t> pfns;
        pfns.reserve(samples.size());
        for (const Sample& sample : samples)
            pfns.push_back(sample.marked_pfn);
        tracker_.files_.mark_idle(std::move(pfns));
    }

    std::uint64_t flags_of(const Sample& sample) const {
        return tracker_.files_.flags_of(sample.marked_pfn);
    }

    // Drops samples whose page was moved or unmapped, since accesses to that page are unknown.
    // Returns their number.
    std::size_t drop_moved() {
        return std::erase_if(
            samples_, [&](const Sample& sample) { return pfn_at(sample.page) != sample.pfn; });
    }

    // Reads the marks, each word of the bitmap once, and returns the samples by address.
    const std::vector<Sample>& read_marks() {
        const auto by_pfn = [](const Sample& a, const Sample& b) {
            return a.marked_pfn < b.marked_pfn;
        };
        const auto by_address = [](const Sample& a, const Sample& b) { return a.start < b.start; };
        std::sort(samples_.begin(), samples_.end(), by_pfn);
        std::uint64_t last_index = ~std::uint64_t{0}, bits = 0;
        for (Sample& sample : samples_) {
            const std::uint64_t index = sample.marked_pfn / pages_in_bitmap_word;
            if (index != last_index) bits = tracker_.files_.read_bitmap_word(index);
            last_index = index;
            const bool idle = (bits >> sample.marked_pfn % pages_in_bitmap_word & 1) != 0;
            sample.level = idle ? 0 : max_level;
        }
        std::sort(samples_.begin(), samples_.end(), by_address);
        return samples_;
    }

    IdlePageTracker& tracker_;
    const std::string uuid_;
    const std::shared_ptr<const Process> process_;
    const Pagemap pagemap_;
    std::vector<Sample> samples_;
    microseconds cost_{0};
};

Ability IdlePageTracker::ability(const GuestSample&) const {
    Ability ability;
    ability.reads = ability.writes = ability.per_chunk = true;
    ability.cost = "some us of CPU time per sampled page; no page faults";
    return ability;
}

std::string IdlePageTracker::unsupported_reason(const GuestSample& guest) const {
    if (!error().empty()) return error();
    if (!guest.process) return "the guest's process is unknown";
    if (guest.cells.empty()) return "the guest's memory is unknown";
    if (ranges_without_hugetlb(guest).empty())
        return "the guest's memory consists of hugetlb pages, which have no idle flags";
    return "";
}

microseconds IdlePageTracker::estimate(const GuestSample& guest) const {
    const auto known = cost_.find(guest.uuid);
    if (known != cost_.end()) return known->second;
    const std::vector<RamRange> ranges = ranges_without_hugetlb(guest);
    const std::uint64_t piece_bytes = piece_bytes_for(ranges, max_pages_sampled);
    std::uint64_t pieces = 0;
    for (const RamRange& range : ranges)
        pieces += range.size / piece_bytes + 1;
    return std::chrono::duration_cast<microseconds>(pieces * expected_time_of_sample);
}

std::unique_ptr<PendingScan> IdlePageTracker::begin(const GuestSample& guest,
                                                    std::chrono::milliseconds) {
    const std::string reason = unsupported_reason(guest);
    if (!reason.empty()) throw TrackingError(reason);
    if (scanned_guests_.contains(guest.uuid)) return nullptr;
    return std::make_unique<Scan>(*this, guest, scans_++);
}

std::unique_ptr<HeatTracker> probe_idle_pages(std::string& error) {
    auto tracker = std::make_unique<IdlePageTracker>("/sys", "/proc");
    error = tracker->error();
    if (error.empty()) error = probe_page_frames();
    if (!error.empty()) return nullptr;
    return tracker;
}

}  // namespace vnuma
