#include "guests/tracking/soft_dirty/soft_dirty_tracker.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "guests/memory/pagemap.hpp"
#include "guests/process/process.hpp"
#include "guests/tracking/soft_dirty/written_pages.hpp"
#include "tests/guests/memory/test_memory.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t present = pagemap_present;
constexpr std::uint64_t written = pagemap_present | pagemap_soft_dirty;

GuestSample guest_of(Process process, std::vector<RamRange> ranges) {
    GuestSample guest;
    guest.uuid = "guest";
    guest.process = std::make_shared<const Process>(std::move(process));
    guest.cells.resize(1);
    guest.cells[0].vcpus.resize(2);
    for (const RamRange& range : ranges) {
        guest.cells[0].blocks.emplace_back();
        guest.cells[0].blocks.back().host = range;
    }
    return guest;
}

// Plain files in place of those of a process in /proc.
class SoftDirtyFiles : public testing::Test {
  protected:
    SoftDirtyFiles() {
        files.write(
            "stat", "7 (qemu) S 1" + [] {
                std::string rest;
                for (int field = 0; field < 50; ++field)
                    rest += " 0";
                return rest;
            }());
        files.write("clear_refs", "");
    }
    void write_entries(const std::vector<std::uint64_t>& entries) const {
        std::ofstream(files.path("pagemap"), std::ios::binary)
            .write(reinterpret_cast<const char*>(entries.data()),
                   static_cast<std::streamsize>(entries.size() * sizeof(entries[0])));
    }
    GuestSample guest(std::vector<RamRange> ranges) const {
        return guest_of(std::move(*Process::open_recorded(files.path())), std::move(ranges));
    }

    test::TemporaryDirectory files;
    SoftDirtyTracker tracker;
};

TEST_F(SoftDirtyFiles, AScanMeasuresTheLevelOfEachChunk) {
    std::vector<std::uint64_t> entries(5 * 512, present);
    entries[512] = written;
    for (std::size_t i = 2 * 512; i < 3 * 512; ++i)
        entries[i] = written;
    entries[4 * 512 + 9] = written;
    write_entries(entries);
    const GuestSample sample =
        guest({{0, 3 * chunk_bytes}, {4 * chunk_bytes, 10 * small_page_bytes}});
    const auto scan = tracker.begin(sample, 1s)->finish();
    ASSERT_TRUE(scan);
    EXPECT_EQ(scan->accessed,
              (std::vector<AccessedRange>{
                  {0, chunk_bytes, 0},
                  {chunk_bytes, 2 * chunk_bytes, 128},
                  {2 * chunk_bytes, 3 * chunk_bytes, max_level},
                  {4 * chunk_bytes, 4 * chunk_bytes + 10 * small_page_bytes, 6554}}));
    EXPECT_GE(scan->cost, 1546 * 4us) << "a fault for each present page";
    std::string command;
    std::ifstream(files.path("clear_refs")) >> command;
    EXPECT_EQ(command, "4");
}

TEST_F(SoftDirtyFiles, TheEstimateIsTheCostOfTheLastScan) {
    write_entries(std::vector<std::uint64_t>(512, present));
    GuestSample sample = guest({{0, chunk_bytes}});
    EXPECT_EQ(tracker.estimate(sample), 0us) << "the guest's residency is unknown";
    sample.cells[0].residency.bytes[0] = chunk_bytes;
    EXPECT_GT(tracker.estimate(sample), 512 * 4us);
    ASSERT_TRUE(tracker.begin(sample, 1s)->finish());
    sample.cells[0].residency.bytes[0] = 0;
    EXPECT_GE(tracker.estimate(sample), 512 * 4us);
}

TEST_F(SoftDirtyFiles, AGuestThatCannotBeScannedHasAReason) {
    GuestSample sample = guest({{0, chunk_bytes}});
    EXPECT_EQ(tracker.unsupported_reason(sample), "/proc/7/pagemap: No such file or directory");
    EXPECT_THROW(tracker.begin(sample, 1s), TrackingError);
    write_entries({present});
    EXPECT_EQ(tracker.unsupported_reason(sample), "");
    sample.cells[0].blocks[0].hugetlb = true;
    EXPECT_NE(tracker.unsupported_reason(sample).find("hugetlb"), std::string::npos);
    std::filesystem::remove(files.path("clear_refs"));
    EXPECT_NE(tracker.unsupported_reason(guest({{0, chunk_bytes}})).find("clear_refs"),
              std::string::npos);
    EXPECT_NE(tracker.unsupported_reason(GuestSample{}), "");
}

// The memory of a child process: madvise(2) advice for its pages, and whether it is shared.
struct Kind {
    const char* name;
    int advice;
    bool shared;
};

// A child process has written all of its four chunks. When asked to work, it writes a page of the
// second chunk, reads all of the third, and writes all of the fourth. Runs in a lab host, too.
class SoftDirtyOfAChild : public testing::TestWithParam<Kind> {
  protected:
    static constexpr std::uint64_t chunks = 4;

    void SetUp() override {
        std::string error;
        tracker = probe_soft_dirty(error);
        if (!tracker) GTEST_SKIP() << error;
        if (GetParam().shared) map_shared();
        ASSERT_EQ(::pipe(down.data()), 0);
        ASSERT_EQ(::pipe(up.data()), 0);
        child = ::fork();
        if (child == 0) _exit(work());
        ASSERT_TRUE(wait_for_child());
        guest = guest_of(std::move(*Process::open(child)), {{memory.address(), memory.size()}});
        const std::string reason = tracker->unsupported_reason(guest);
        if (!reason.empty()) GTEST_SKIP() << reason;
    }
    void TearDown() override {
        if (child <= 0) return;
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        for (const int fd : {down[0], down[1], up[0], up[1]})
            ::close(fd);
    }
    void map_shared() {
        const int fd = ::memfd_create("vnuma-test", 0);
        ASSERT_EQ(::ftruncate(fd, static_cast<off_t>(memory.size())), 0);
        ASSERT_EQ(::mmap(memory.at(0), memory.size(), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_FIXED, fd, 0),
                  memory.at(0));
        ::close(fd);
    }
    int work() {
        ::close(down[1]);  // so that the child ends with its parent
        char byte = 0;
        memory.write(0, chunks * 512);
        while (::write(up[1], "d", 1) == 1 && ::read(down[0], &byte, 1) == 1) {
            memory.write(512 + 77, 1);
            for (std::uint64_t page = 2 * 512; page < 3 * 512; ++page)
                static_cast<void>(*static_cast<volatile char*>(memory.at(page)));
            memory.write(3 * 512, 512);
        }
        return 0;
    }
    bool wait_for_child() {
        char byte = 0;
        return ::read(up[0], &byte, 1) == 1;
    }
    bool let_child_work() { return ::write(down[1], "g", 1) == 1 && wait_for_child(); }

    TestMemory memory{chunks * chunk_bytes, GetParam().advice};
    std::array<int, 2> down{}, up{};
    pid_t child = -1;
    GuestSample guest;
    std::unique_ptr<HeatTracker> tracker;
};

INSTANTIATE_TEST_SUITE_P(Memory, SoftDirtyOfAChild,
                         testing::Values(Kind{"SmallPages", MADV_NOHUGEPAGE, false},
                                         Kind{"HugePages", MADV_HUGEPAGE, false},
                                         Kind{"Shared", MADV_NOHUGEPAGE, true}),
                         [](const auto& info) { return info.param.name; });

TEST_P(SoftDirtyOfAChild, AScanMeasuresWritesAndNothingElse) {
    for (int round = 0; round < 3; ++round) {
        const auto pending = tracker->begin(guest, 1s);
        ASSERT_TRUE(let_child_work());
        const auto scan = pending->finish();
        ASSERT_TRUE(scan);
        const std::uint64_t start = memory.address();
        ASSERT_GE(scan->accessed.size(), 4U);
        EXPECT_EQ(scan->accessed[0], (AccessedRange{start, start + chunk_bytes, 0}));
        // The first write to a huge page marks all of it. The kernel may have none available.
        const std::uint16_t level = scan->accessed[1].level;
        EXPECT_TRUE(level == 128 || (GetParam().advice == MADV_HUGEPAGE && level == max_level))
            << level;
        EXPECT_EQ(scan->accessed[2],
                  (AccessedRange{start + 2 * chunk_bytes, start + 3 * chunk_bytes, 0}));
        EXPECT_EQ(scan->accessed[3],
                  (AccessedRange{start + 3 * chunk_bytes, start + 4 * chunk_bytes, max_level}));
    }
}

TEST_P(SoftDirtyOfAChild, AScanOfAProcessThatHasEndedFails) {
    const auto pending = tracker->begin(guest, 1s);
    ::kill(child, SIGKILL);
    siginfo_t info;
    ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
    EXPECT_THROW(pending->finish(), TrackingError);
}

}  // namespace
}  // namespace vnuma
