#include "guests/tracking/idle_page/idle_page_tracker.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/pagemap.hpp"
#include "guests/process/process.hpp"
#include "guests/tracking/idle_page/idle_page_sampling.hpp"
#include "tests/guests/golden.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t head = page_is_head, tail = page_is_tail, idle = page_is_idle;

// A guest of three chunks, whose pages have consecutive page frame numbers, and the kernel's files.
// The bitmap is a plain file, so marks stay until the test removes them.
class IdlePages : public testing::Test {
  protected:
    static constexpr std::uint64_t chunks = 3, pages = chunks * pages_in_chunk;

    IdlePages() {
        std::string stat = "7 (qemu) S 1";
        for (int field = 0; field < 50; ++field)
            stat += " 0";
        files.write("proc/7/stat", stat);
        files.write("sys/kernel/mm/page_idle/bitmap", "");
        // Page frame 0 is never a guest's.
        for (std::uint64_t page = 0; page < pages; ++page)
            entries[page] = pagemap_present | (page + first_pfn);
        write("proc/7/pagemap", entries);
        write("proc/kpageflags", flags);
        write("sys/kernel/mm/page_idle/bitmap", std::vector<std::uint64_t>(64));
        guest.uuid = "guest";
        guest.process = std::make_shared<const Process>(
            std::move(*Process::open_recorded(files.path("proc/7"))));
        guest.cells.resize(1);
        guest.cells[0].blocks.resize(1);
        guest.cells[0].blocks[0].host = {0, chunks * chunk_bytes};
    }
    void write(const std::string& file, const std::vector<std::uint64_t>& words) const {
        std::ofstream(files.path(file), std::ios::binary)
            .write(reinterpret_cast<const char*>(words.data()),
                   static_cast<std::streamsize>(words.size() * sizeof(words[0])));
    }
    std::vector<std::uint64_t> read_bitmap() const {
        std::vector<std::uint64_t> words(flags.size() / 64);
        std::ifstream(files.path("sys/kernel/mm/page_idle/bitmap"), std::ios::binary)
            .read(reinterpret_cast<char*>(words.data()),
                  static_cast<std::streamsize>(words.size() * sizeof(words[0])));
        return words;
    }
    IdlePageTracker tracker() const { return {files.path("sys"), files.path("proc")}; }
    static std::vector<AccessedRange> at(std::vector<std::pair<std::uint64_t, std::uint16_t>> all) {
        std::vector<AccessedRange> ranges;
        for (const auto& [chunk, level] : all)
            ranges.push_back({chunk * chunk_bytes, (chunk + 1) * chunk_bytes, level});
        return ranges;
    }

    // The page that a scan samples of a chunk.
    static std::uint64_t sampled(std::uint64_t chunk, std::uint64_t scan = 0) {
        return chunk * pages_in_chunk + page_of_scan(scan, chunk, pages_in_chunk);
    }
    static std::uint64_t bit_of(std::uint64_t page) { return std::uint64_t{1} << page % 64; }

    static constexpr std::uint64_t first_pfn = 512;
    test::TemporaryDirectory files;
    std::vector<std::uint64_t> entries = std::vector<std::uint64_t>(pages);
    std::vector<std::uint64_t> flags = std::vector<std::uint64_t>(4096, idle);
    GuestSample guest;
};

TEST_F(IdlePages, AChunkWhosePageStaysIdleWasNotAccessed) {
    auto tracked = tracker();
    EXPECT_EQ(tracked.error(), "");
    const auto pending = tracked.begin(guest, 1s);
    std::vector<std::uint64_t> bitmap = read_bitmap();
    EXPECT_EQ(bitmap[8], 1U) << "the first page of the first chunk";
    std::uint64_t& word = bitmap[(first_pfn + sampled(1)) / 64];
    EXPECT_EQ(word, bit_of(sampled(1)));
    word = 0;
    write("sys/kernel/mm/page_idle/bitmap", bitmap);
    const auto scan = pending->finish();
    ASSERT_TRUE(scan);
    EXPECT_EQ(scan->accessed, at({{0, 0}, {1, max_level}, {2, 0}}));
    EXPECT_EQ(scan->warning, "");
}

TEST_F(IdlePages, SuccessiveScansSampleDifferentPages) {
    auto tracked = tracker();
    tracked.begin(guest, 1s);
    tracked.begin(guest, 1s);
    const std::uint64_t page = first_pfn + sampled(0, 1);
    EXPECT_EQ(read_bitmap()[page / 64], bit_of(page));
}

TEST_F(IdlePages, AGuestHasOneScanAtATime) {
    auto tracked = tracker();
    auto scan = tracked.begin(guest, 1s);
    EXPECT_EQ(tracked.begin(guest, 1s), nullptr);
    GuestSample other = guest;
    other.uuid = "other";
    EXPECT_NE(tracked.begin(other, 1s), nullptr);
    scan.reset();
    EXPECT_NE(tracked.begin(guest, 1s), nullptr);
    std::filesystem::resize_file(files.path("proc/kpageflags"), 8);
    EXPECT_THROW(tracked.begin(guest, 1s), TrackingError);
    write("proc/kpageflags", flags);
    EXPECT_NE(tracked.begin(guest, 1s), nullptr) << "the scan that failed is over";
}

TEST_F(IdlePages, AHugePageIsMarkedThroughItsHeadPage) {
    flags[first_pfn] |= head;
    for (std::uint64_t page = 1; page < pages_in_chunk; ++page)
        flags[first_pfn + page] = tail | idle;  // the kernel may set the idle flag of all pages
    write("proc/kpageflags", flags);
    auto tracked = tracker();
    tracked.begin(guest, 1s);
    write("sys/kernel/mm/page_idle/bitmap", std::vector<std::uint64_t>(64));
    const auto pending = tracked.begin(guest, 1s);
    EXPECT_EQ(read_bitmap()[8], 1U);
    EXPECT_EQ(pending->finish()->accessed, (std::vector<AccessedRange>{{0, 3 * chunk_bytes, 0}}));
}

// Linux has large folios of any size for anonymous memory since 6.8, and for shmem since 6.14.
TEST_F(IdlePages, AFolioOfAnySizeIsMarkedThroughItsHeadPage) {
    for (std::uint64_t order = 1; order <= 9; ++order) {
        const std::uint64_t in_folio = std::uint64_t{1} << order;
        for (std::uint64_t page = 0; page < pages; ++page)
            flags[first_pfn + page] = page % in_folio == 0 ? head | idle : tail | idle;
        write("proc/kpageflags", flags);
        write("sys/kernel/mm/page_idle/bitmap", std::vector<std::uint64_t>(64));
        auto tracked = tracker();
        const auto pending = tracked.begin(guest, 1s);
        std::vector<std::uint64_t> bitmap = read_bitmap();
        const std::uint64_t first = sampled(1) - sampled(1) % in_folio;
        std::uint64_t& word = bitmap[(first_pfn + first) / 64];
        EXPECT_NE(word & bit_of(first), 0U) << order;
        word &= ~bit_of(first);
        write("sys/kernel/mm/page_idle/bitmap", bitmap);
        EXPECT_EQ(pending->finish()->accessed, at({{0, 0}, {1, max_level}, {2, 0}})) << order;
    }
}

// A recording of a kernel's kpageflags for three chunks: one of a single folio, one of folios of
// 64 KiB, and one of single pages at scattered frames (tests/golden/record-folios.py).
class RecordedFolios : public IdlePages {
  protected:
    RecordedFolios() {
        std::istringstream lines(test::read_golden("folios/linux-6.18.txt"));
        std::uint64_t page = 0, pfn = 0, recorded = 0;
        while (lines >> std::dec >> page >> pfn >> std::hex >> recorded) {
            entries.at(page) = pagemap_present | pfn;
            flags.resize(std::max(flags.size(), (pfn / 64 + 1) * 64));
            flags[pfn] = recorded | ((recorded & tail) == 0 ? idle : 0);  // as if it were marked
        }
        EXPECT_EQ(page, pages - 1);
        write("proc/7/pagemap", entries);
        write("proc/kpageflags", flags);
        write("sys/kernel/mm/page_idle/bitmap", std::vector<std::uint64_t>(flags.size() / 64));
    }
    std::uint64_t first_of_folio(std::uint64_t page) const {
        std::uint64_t pfn = entries.at(page) & pagemap_pfn;
        while ((flags.at(pfn) & tail) != 0)
            --pfn;
        return pfn;
    }
};

TEST_F(RecordedFolios, AreMarkedThroughTheirHeadPages) {
    auto tracked = tracker();
    for (std::uint64_t scan = 0; scan < 16; ++scan) {
        const auto pending = tracked.begin(guest, 1s);
        std::vector<std::uint64_t> bitmap = read_bitmap();
        for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
            const std::uint64_t first = first_of_folio(sampled(chunk, scan));
            EXPECT_NE(bitmap.at(first / 64) & bit_of(first), 0U) << chunk;
            if (chunk == 1) bitmap[first / 64] &= ~bit_of(first);
        }
        write("sys/kernel/mm/page_idle/bitmap", bitmap);
        EXPECT_EQ(pending->finish()->accessed, at({{0, 0}, {1, max_level}, {2, 0}})) << scan;
    }
}

TEST_F(IdlePages, AScanFailsIfNoPageCanBeMarked) {
    flags[first_pfn + sampled(0)] = 0;     // not on an LRU list
    flags[first_pfn + sampled(1)] = tail;  // of a folio that was split meanwhile
    entries[sampled(2)] &= ~pagemap_present;
    write("proc/kpageflags", flags);
    write("proc/7/pagemap", entries);
    auto tracked = tracker();
    EXPECT_THROW(tracked.begin(guest, 1s), TrackingError)
        << "the scan would report all memory as unused";
}

TEST_F(IdlePages, APageThatMovesDuringTheScanIsLeftOut) {
    auto tracked = tracker();
    const auto pending = tracked.begin(guest, 1s);
    entries[sampled(1)] += 5;
    write("proc/7/pagemap", entries);
    const auto scan = pending->finish();
    EXPECT_EQ(scan->accessed, at({{0, 0}, {2, 0}}));
    EXPECT_EQ(scan->warning, "sampled pages that were moved during the scan: 1");
}

TEST_F(IdlePages, AGuestThatCannotBeScannedHasAReason) {
    EXPECT_EQ(tracker().unsupported_reason(guest), "");
    EXPECT_NE(tracker().unsupported_reason(GuestSample{}), "");
    EXPECT_GT(tracker().estimate(guest), 0us);
    guest.cells[0].blocks[0].hugetlb = true;
    EXPECT_NE(tracker().unsupported_reason(guest).find("hugetlb"), std::string::npos);
    std::filesystem::resize_file(files.path("proc/kpageflags"), 8);
    guest.cells[0].blocks[0].hugetlb = false;
    auto with_short_file = tracker();
    EXPECT_THROW(with_short_file.begin(guest, 1s), TrackingError);
    std::filesystem::remove(files.path("proc/kpageflags"));
    EXPECT_NE(tracker().unsupported_reason(guest).find("kpageflags"), std::string::npos);
    std::filesystem::remove(files.path("sys/kernel/mm/page_idle/bitmap"));
    EXPECT_EQ(tracker().unsupported_reason(guest),
              "this kernel has no idle page tracking (CONFIG_IDLE_PAGE_TRACKING)");
}

TEST(ProbeIdlePages, ReturnsATrackerOrAnError) {
    std::string error;
    const auto tracker = probe_idle_pages(error);
    EXPECT_EQ(tracker == nullptr, !error.empty()) << error;
}

}  // namespace
}  // namespace vnuma
