#include "guests/tracking/idle_page/idle_page_tracker.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/pagemap.hpp"
#include "guests/process/process.hpp"
#include "tests/guests/golden.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t head = std::uint64_t{1} << 15, tail = std::uint64_t{1} << 16,
                        idle = std::uint64_t{1} << 25;

TEST(WordsOf, NeighboursAreOneWord) {
    EXPECT_EQ(words_of({}), std::vector<IdleWord>{});
    EXPECT_EQ(words_of({130, 64, 3, 127, 3}),
              (std::vector<IdleWord>{{0, 8}, {1, (std::uint64_t{1} << 63) | 1}, {2, 4}}));
}

std::set<std::uint64_t> pages_met(std::uint64_t piece, std::uint64_t pages) {
    std::set<std::uint64_t> met;
    for (std::uint64_t scan = 0; scan < pages / pages_for_one; ++scan)
        met.insert(page_of_scan(scan, piece, pages));
    return met;
}

TEST(PageOfLook, MeetsPagesAllOverAPiece) {
    for (const std::uint64_t pages : {16, 32, 512, 4096}) {
        const std::set<std::uint64_t> met = pages_met(3, pages);
        EXPECT_EQ(met.size(), pages / pages_for_one);
        EXPECT_LT(*met.begin(), pages_for_one);
        EXPECT_LT(*met.rbegin(), pages);
    }
    for (const std::uint64_t pages : {1, 15, 509})
        EXPECT_LT(page_of_scan(~std::uint64_t{0}, 5, pages), pages);
}

TEST(PageOfLook, LeavesFewMarksInAWord) {
    std::set<std::uint64_t> met;
    for (std::uint64_t scan = 0; scan < 10'000; ++scan)
        met.insert(page_of_scan(scan, 3, 512));
    EXPECT_EQ(met, pages_met(3, 512));
    EXPECT_EQ(std::distance(met.begin(), met.lower_bound(64)), 4);
}

TEST(PageOfLook, IsAnotherInAnotherPiece) {
    std::set<std::uint64_t> met;
    for (std::uint64_t piece = 0; piece < pages_for_one; ++piece)
        met.insert(page_of_scan(0, piece, 512));
    EXPECT_EQ(met.size(), pages_for_one);
}

// A guest of three chunks, whose pages are those of the host from the same numbers on, and the
// kernel's files. The bitmap is a file like any other: marks stay until the test takes them off.
class IdlePages : public testing::Test {
  protected:
    static constexpr std::uint64_t chunks = 3, pages = chunks * pages_in_chunk;

    IdlePages() {
        std::string stat = "7 (qemu) S 1";
        for (int field = 0; field < 50; ++field)
            stat += " 0";
        files.write("proc/7/stat", stat);
        files.write("sys/kernel/mm/page_idle/bitmap", "");
        // Page 0 of the host is nobody's.
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

    // The page of a chunk that a look is at.
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

TEST_F(IdlePages, WhatStaysIdleWasNotAccessed) {
    auto tracked = tracker();
    EXPECT_EQ(tracked.trouble(), "");
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
    EXPECT_EQ(scan->trouble, "");
}

TEST_F(IdlePages, EachLookTakesAnotherPage) {
    auto tracked = tracker();
    tracked.begin(guest, 1s);
    tracked.begin(guest, 1s);
    const std::uint64_t page = first_pfn + sampled(0, 1);
    EXPECT_EQ(read_bitmap()[page / 64], bit_of(page));
}

TEST_F(IdlePages, AGuestHasOneLookAtATime) {
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
    EXPECT_NE(tracked.begin(guest, 1s), nullptr) << "one that failed is over";
}

TEST_F(IdlePages, AHugePageIsAskedThroughItsFirst) {
    flags[first_pfn] |= head;
    for (std::uint64_t page = 1; page < pages_in_chunk; ++page)
        flags[first_pfn + page] = tail | idle;  // the kernel may say so of all of it
    write("proc/kpageflags", flags);
    auto tracked = tracker();
    tracked.begin(guest, 1s);
    write("sys/kernel/mm/page_idle/bitmap", std::vector<std::uint64_t>(64));
    const auto pending = tracked.begin(guest, 1s);
    EXPECT_EQ(read_bitmap()[8], 1U);
    EXPECT_EQ(pending->finish()->accessed, (std::vector<AccessedRange>{{0, 3 * chunk_bytes, 0}}));
}

// Linux makes them for anonymous memory and shmem alike since 6.8 and 6.14.
TEST_F(IdlePages, AFolioOfAnySizeIsAskedThroughItsFirst) {
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

// What a kernel said of three chunks: of one folio, of folios of 64 KiB, and of single pages, all
// over its memory (tests/golden/record-folios.py).
class RecordedFolios : public IdlePages {
  protected:
    RecordedFolios() {
        std::istringstream lines(test::read_golden("folios/linux-6.18.txt"));
        std::uint64_t page = 0, pfn = 0, said = 0;
        while (lines >> std::dec >> page >> pfn >> std::hex >> said) {
            entries.at(page) = pagemap_present | pfn;
            flags.resize(std::max(flags.size(), (pfn / 64 + 1) * 64));
            flags[pfn] = said | ((said & tail) == 0 ? idle : 0);  // as soon as it is marked
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

TEST_F(RecordedFolios, AreAskedThroughTheirFirst) {
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

TEST_F(IdlePages, WhatCannotBeMarkedIsNotLookedAt) {
    flags[first_pfn + sampled(0)] = 0;     // on none of the kernel's lists
    flags[first_pfn + sampled(1)] = tail;  // of a folio that has ended meanwhile
    entries[sampled(2)] &= ~pagemap_present;
    write("proc/kpageflags", flags);
    write("proc/7/pagemap", entries);
    auto tracked = tracker();
    EXPECT_THROW(tracked.begin(guest, 1s), TrackingError) << "a scan that tells nothing is none";
}

TEST_F(IdlePages, APageThatMovedMeanwhileIsUnknown) {
    auto tracked = tracker();
    const auto pending = tracked.begin(guest, 1s);
    entries[sampled(1)] += 5;
    write("proc/7/pagemap", entries);
    const auto scan = pending->finish();
    EXPECT_EQ(scan->accessed, at({{0, 0}, {2, 0}}));
    EXPECT_EQ(scan->trouble, "1 sampled pages have moved meanwhile");
}

TEST_F(IdlePages, ReasonsAreSaid) {
    EXPECT_EQ(tracker().why_not(guest), "");
    EXPECT_NE(tracker().why_not(GuestSample{}), "");
    EXPECT_GT(tracker().estimate(guest), 0us);
    guest.cells[0].blocks[0].hugetlb = true;
    EXPECT_NE(tracker().why_not(guest).find("hugetlb"), std::string::npos);
    std::filesystem::resize_file(files.path("proc/kpageflags"), 8);
    guest.cells[0].blocks[0].hugetlb = false;
    auto cut = tracker();
    EXPECT_THROW(cut.begin(guest, 1s), TrackingError);
    std::filesystem::remove(files.path("proc/kpageflags"));
    EXPECT_NE(tracker().why_not(guest).find("kpageflags"), std::string::npos);
    std::filesystem::remove(files.path("sys/kernel/mm/page_idle/bitmap"));
    EXPECT_EQ(tracker().why_not(guest),
              "this kernel has no idle page tracking (CONFIG_IDLE_PAGE_TRACKING)");
}

TEST(ProbeIdlePages, SaysWhyOrGivesATracker) {
    std::string why;
    const auto tracker = probe_idle_pages(why);
    EXPECT_EQ(tracker == nullptr, !why.empty()) << why;
}

}  // namespace
}  // namespace vnuma
