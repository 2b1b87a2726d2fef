#include "guests/tracking/idle_page/idle_page_tracker.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/pagemap.hpp"
#include "guests/memory/read_page_frame_table.hpp"
#include "guests/process/cpu_time.hpp"
#include "guests/tracking/heat/tracked_memory.hpp"

namespace vnuma {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr std::uint64_t pages_in_word = 64;
// Bits of an entry of /proc/kpageflags (linux/kernel-page-flags.h).
constexpr std::uint64_t page_is_head = std::uint64_t{1} << 15;
constexpr std::uint64_t page_is_tail = std::uint64_t{1} << 16;
constexpr std::uint64_t page_is_idle = std::uint64_t{1} << 25;
// A guess for a guest that was never looked at: two entries of pagemap, one of kpageflags and some
// more until the first page of a folio is found, and the bitmap once or twice written and read.
constexpr nanoseconds time_of_sample{6000};

std::string file_error(const std::string& path, int error) {
    return path + ": " + std::generic_category().message(error);
}

// The kernel's files take whole words at whole places.
std::uint64_t read_word(int file, const std::string& path, std::uint64_t index) {
    std::uint64_t word = 0;
    const ssize_t size =
        ::pread(file, &word, sizeof(word), static_cast<off_t>(index * sizeof(word)));
    if (size == sizeof(word)) return word;
    throw TrackingError(size < 0 ? file_error(path, errno) : path + ": ends before the page");
}

void write_word(int file, const std::string& path, const IdleWord& word) {
    const ssize_t size = ::pwrite(file, &word.bits, sizeof(word.bits),
                                  static_cast<off_t>(word.word * sizeof(word.bits)));
    if (size == sizeof(word.bits)) return;
    throw TrackingError(size < 0 ? file_error(path, errno) : path + ": takes no whole word");
}

}  // namespace

std::vector<IdleWord> words_of(std::vector<std::uint64_t> pfns) {
    std::sort(pfns.begin(), pfns.end());
    std::vector<IdleWord> words;
    for (const std::uint64_t pfn : pfns) {
        if (words.empty() || words.back().word != pfn / pages_in_word)
            words.push_back({pfn / pages_in_word, 0});
        words.back().bits |= std::uint64_t{1} << pfn % pages_in_word;
    }
    return words;
}

std::uint64_t page_of_scan(std::uint64_t scan, std::uint64_t piece, std::uint64_t pages) {
    const std::uint64_t met = std::max(pages / pages_for_one, std::uint64_t{1});
    // About the golden section. Odd, and so it meets each where their number is a power of two;
    // other numbers are those of the last piece of a range.
    const std::uint64_t step = (met / 1000 * 618 + met % 1000 * 618 / 1000) | 1;
    constexpr std::uint64_t spread = 7;  // odd for the same reason
    return (scan % met * step % met * pages_for_one + piece * spread % pages_for_one) % pages;
}

class IdlePageTracker::Scan : public PendingScan {
  public:
    Scan(IdlePageTracker& tracker, const GuestSample& guest, std::uint64_t scan)
        : tracker_(tracker),
          uuid_(guest.uuid),
          process_(guest.process),
          pagemap_(open_pagemap(*process_)) {
        const auto start = thread_cpu_time();
        choose_pages(ranges_of_plain_pages(guest), scan);
        mark_idle(samples_);
        // The idle bit is kept by the first page of a large folio for all of it.
        std::vector<Sample> marked, heads;
        for (Sample& sample : samples_) {
            const std::uint64_t flags = flags_of(sample);
            if ((flags & page_is_tail) != 0)
                heads.push_back(sample);
            else if ((flags & page_is_idle) != 0)
                marked.push_back(sample);
        }
        go_to_heads(heads);
        mark_idle(heads);
        for (const Sample& sample : heads)
            if ((flags_of(sample) & (page_is_idle | page_is_tail)) == page_is_idle)
                marked.push_back(sample);
        samples_ = std::move(marked);
        // Or a look that saw nothing would say that nothing is used.
        if (samples_.empty()) throw TrackingError("none of its pages could be marked as idle");
        spent_ = std::chrono::duration_cast<microseconds>(thread_cpu_time() - start);
        tracker_.looked_at_.insert(uuid_);
    }
    ~Scan() override { tracker_.looked_at_.erase(uuid_); }

    std::optional<HeatScan> finish() override {
        const auto start = thread_cpu_time();
        HeatScan scan;
        const std::size_t moved = drop_moved();
        if (samples_.empty()) throw TrackingError("all pages that it marked have moved meanwhile");
        for (const Sample& sample : read_marks())
            add_range(scan.accessed, {sample.start, sample.end, sample.level});
        if (moved > 0) scan.trouble = std::to_string(moved) + " sampled pages have moved meanwhile";
        spent_ += std::chrono::duration_cast<microseconds>(thread_cpu_time() - start);
        if (tracker_.spent_.size() >= max_guests) tracker_.spent_.clear();
        tracker_.spent_[uuid_] = spent_;
        return scan;
    }

  private:
    struct Sample {
        std::uint64_t start = 0, end = 0;  // the piece
        std::uint64_t page = 0;            // address of the one that stands for it
        std::uint64_t pfn = 0;
        std::uint64_t marked = 0;  // pfn of the first page of its folio, which has the mark
        std::uint16_t level = 0;
    };

    // 0: no page, or the number of none.
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
                sample.pfn = sample.marked = pfn_at(sample.page);
                if (sample.pfn != 0) samples_.push_back(sample);
            }
    }

    // The first page of the folio that each is in: folios lie at multiples of their size, and all
    // of their pages but the first are tails.
    void go_to_heads(std::vector<Sample>& samples) const {
        std::erase_if(samples, [&](Sample& sample) {
            for (std::uint64_t size = 2; size <= pages_in_chunk; size *= 2) {
                const std::uint64_t pfn = sample.pfn - sample.pfn % size;
                if (pfn == sample.marked) continue;
                sample.marked = pfn;
                if ((flags_of(sample) & page_is_head) != 0) return false;
            }
            return true;
        });
    }

    void mark_idle(const std::vector<Sample>& samples) const {
        for (const IdleWord& word : words_of(marks_of(samples)))
            write_word(tracker_.bitmap_, tracker_.bitmap_path_, word);
    }

    std::uint64_t flags_of(const Sample& sample) const {
        return read_word(tracker_.flags_, tracker_.flags_path_, sample.marked);
    }

    // How many have another page, or none, where theirs was: what happened to that is not known.
    std::size_t drop_moved() {
        return std::erase_if(
            samples_, [&](const Sample& sample) { return pfn_at(sample.page) != sample.pfn; });
    }

    // Every sample with its level, by address. The kernel looks at what maps a page when its bit is
    // read.
    const std::vector<Sample>& read_marks() {
        const auto by_mark = [](const Sample& a, const Sample& b) { return a.marked < b.marked; };
        const auto by_address = [](const Sample& a, const Sample& b) { return a.start < b.start; };
        std::sort(samples_.begin(), samples_.end(), by_mark);
        std::uint64_t known = ~std::uint64_t{0}, bits = 0;
        for (Sample& sample : samples_) {
            const std::uint64_t word = sample.marked / pages_in_word;
            if (word != known) bits = read_word(tracker_.bitmap_, tracker_.bitmap_path_, word);
            known = word;
            sample.level = (bits >> sample.marked % pages_in_word & 1) != 0 ? 0 : max_level;
        }
        std::sort(samples_.begin(), samples_.end(), by_address);
        return samples_;
    }

    static std::vector<std::uint64_t> marks_of(const std::vector<Sample>& samples) {
        std::vector<std::uint64_t> pfns;
        pfns.reserve(samples.size());
        for (const Sample& sample : samples)
            pfns.push_back(sample.marked);
        return pfns;
    }

    IdlePageTracker& tracker_;
    const std::string uuid_;
    const std::shared_ptr<const Process> process_;
    const Pagemap pagemap_;
    std::vector<Sample> samples_;
    microseconds spent_{0};
};

IdlePageTracker::IdlePageTracker(const std::string& sysfs, const std::string& proc)
    : bitmap_path_(sysfs + "/kernel/mm/page_idle/bitmap"), flags_path_(proc + "/kpageflags") {
    bitmap_ = ::open(bitmap_path_.c_str(), O_RDWR | O_CLOEXEC);
    if (bitmap_ < 0) {
        trouble_ = errno == ENOENT
                       ? "this kernel has no idle page tracking (CONFIG_IDLE_PAGE_TRACKING)"
                       : file_error(bitmap_path_, errno);
        return;
    }
    flags_ = ::open(flags_path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (flags_ < 0) trouble_ = file_error(flags_path_, errno);
}

IdlePageTracker::~IdlePageTracker() {
    if (bitmap_ >= 0) ::close(bitmap_);
    if (flags_ >= 0) ::close(flags_);
}

Ability IdlePageTracker::ability(const GuestSample&) const {
    return {true, true, false, true, false, "some us for each page sampled; no page faults"};
}

std::string IdlePageTracker::why_not(const GuestSample& guest) const {
    if (!trouble_.empty()) return trouble_;
    if (!guest.process) return "its process is not known";
    if (guest.cells.empty()) return "its memory is not known";
    if (ranges_of_plain_pages(guest).empty())
        return "its memory is of hugetlb pages, which the kernel keeps no idle flags for";
    return "";
}

microseconds IdlePageTracker::estimate(const GuestSample& guest) const {
    const auto known = spent_.find(guest.uuid);
    if (known != spent_.end()) return known->second;
    const std::vector<RamRange> ranges = ranges_of_plain_pages(guest);
    const std::uint64_t piece_bytes = piece_bytes_for(ranges, max_pages_sampled);
    std::uint64_t pieces = 0;
    for (const RamRange& range : ranges)
        pieces += range.size / piece_bytes + 1;
    return std::chrono::duration_cast<microseconds>(pieces * time_of_sample);
}

std::unique_ptr<PendingScan> IdlePageTracker::begin(const GuestSample& guest,
                                                    std::chrono::milliseconds) {
    const std::string trouble = why_not(guest);
    if (!trouble.empty()) throw TrackingError(trouble);
    if (looked_at_.contains(guest.uuid)) return nullptr;
    return std::make_unique<Scan>(*this, guest, scans_++);
}

std::unique_ptr<HeatTracker> probe_idle_pages(std::string& why_not) {
    auto tracker = std::make_unique<IdlePageTracker>("/sys", "/proc");
    why_not = tracker->trouble();
    if (why_not.empty()) why_not = probe_page_frames();
    if (!why_not.empty()) return nullptr;
    return tracker;
}

}  // namespace vnuma
