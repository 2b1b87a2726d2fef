#include "guests/memory/pagemap.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <system_error>
#include <vector>

#include "guests/memory/chunk_residency.hpp"
#include "tests/guests/memory/test_memory.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

TEST(PageFrameOf, IsTheNumberOfAPageInMemory) {
    EXPECT_EQ(page_frame_of(pagemap_present | 77), 77U);
    EXPECT_EQ(page_frame_of(pagemap_present | pagemap_soft_dirty | pagemap_pfn), pagemap_pfn);
    EXPECT_EQ(page_frame_of(77), std::nullopt) << "a swapped page";
    EXPECT_EQ(page_frame_of(pagemap_present), std::nullopt) << "a hidden number";
}

// A recorded process whose address space ends after four pages.
class RecordedPagemap : public testing::Test {
  protected:
    RecordedPagemap() {
        std::string stat = "7 (qemu) S 1";
        for (int field = 0; field < 50; ++field)
            stat += " 0";
        files.write("7/stat", stat);
        const std::vector<std::uint64_t> entries{10, 11, 12, 13};
        files.write("7/pagemap", std::string(reinterpret_cast<const char*>(entries.data()),
                                             entries.size() * sizeof(entries[0])));
    }
    test::TemporaryDirectory files;
};

TEST_F(RecordedPagemap, ReadsFromThePageOfTheAddress) {
    const auto process = Process::open_recorded(files.path("7"));
    const auto pagemap = Pagemap::open(*process);
    std::vector<std::uint64_t> entries(2, 99);
    EXPECT_TRUE(pagemap->read(*process, small_page_bytes + 5, entries));
    EXPECT_EQ(entries, (std::vector<std::uint64_t>{11, 12}));
}

TEST_F(RecordedPagemap, EntriesBehindTheEndOfTheAddressSpaceAreZero) {
    const auto process = Process::open_recorded(files.path("7"));
    const auto pagemap = Pagemap::open(*process);
    std::vector<std::uint64_t> entries(3, 99);
    EXPECT_TRUE(pagemap->read(*process, 3 * small_page_bytes, entries));
    EXPECT_EQ(entries, (std::vector<std::uint64_t>{13, 0, 0}));
}

TEST_F(RecordedPagemap, ThrowsWhatTheKernelRefusesWithThePathOfTheFile) {
    std::filesystem::remove(files.path("7/pagemap"));
    const auto process = Process::open_recorded(files.path("7"));
    try {
        Pagemap::open(*process);
        FAIL() << "the file is missing";
    } catch (const std::system_error& error) {
        EXPECT_STREQ(error.what(), "/proc/7/pagemap: No such file or directory");
    }
}

TEST(Pagemap, ShowsWhichPagesOfThisProcessAreInMemory) {
    const auto self = Process::open(::getpid());
    const auto pagemap = Pagemap::open(*self);
    TestMemory memory(chunk_bytes, MADV_NOHUGEPAGE);
    memory.write(1, 2);
    std::vector<std::uint64_t> entries(4);
    EXPECT_TRUE(pagemap->read(*self, memory.address(), entries));
    std::vector<bool> present;
    for (const std::uint64_t entry : entries)
        present.push_back((entry & pagemap_present) != 0);
    EXPECT_EQ(present, (std::vector<bool>{false, true, true, false}));
}

TEST(Pagemap, AProcessThatHasEndedIsAValue) {
    const TestMemory memory(chunk_bytes, MADV_NOHUGEPAGE);
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        _exit(0);
    }
    const auto process = Process::open(child);
    const auto pagemap = Pagemap::open(*process);
    ASSERT_TRUE(pagemap);
    EXPECT_TRUE(pagemap->is_of(*process));
    EXPECT_FALSE(pagemap->is_of(*Process::open(::getpid())));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    std::vector<std::uint64_t> entries(1, 99);
    EXPECT_FALSE(pagemap->read(*process, memory.address(), entries));
    EXPECT_EQ(entries[0], 0U);
    EXPECT_FALSE(Pagemap::open(*process));
}

}  // namespace
}  // namespace vnuma
