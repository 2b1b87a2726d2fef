// DAMON of a real kernel monitors a child process of the test. Runs only in a lab host (vnuma-lab
// run).
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "guests/process/process.hpp"
#include "guests/tracking/damon/damon_tracker.hpp"
#include "tests/guests/memory/test_memory.hpp"

namespace vnuma {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr const char* kdamonds = "/sys/kernel/mm/damon/admin/kdamonds/";
constexpr std::uint64_t mib = 1 << 20;
constexpr milliseconds duration{2'000};

std::string text_of(const std::string& file) {
    std::string text;
    std::ifstream(kdamonds + file) >> text;
    return text;
}

bool write_text(const std::string& path, const std::string& text) {
    std::ofstream stream(path);
    stream << text << std::flush;
    return stream.good();
}

std::int64_t ms_since(Clock::time_point time) {
    return std::chrono::duration_cast<milliseconds>(Clock::now() - time).count();
}

// A child process that accesses the first `hot` bytes of its memory all the time. The test knows
// the address of the memory, since the child is forked with it.
class MemoryUser {
  public:
    MemoryUser(std::uint64_t bytes, std::uint64_t hot, std::uint64_t accessed_once)
        : memory_(bytes, MADV_NOHUGEPAGE), hot_(hot) {
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            memory_.write(0, accessed_once / small_page_bytes);
            while (true) {
                memory_.write(0, hot / small_page_bytes);
                flush_tlb();
                ::usleep(1'000);
            }
        }
        sample_.process = std::make_shared<const Process>(*Process::open(pid_));
        CellSample cell;
        cell.blocks.push_back({});
        cell.blocks[0].host = {memory_.address(), bytes};
        sample_.cells.push_back(cell);
        wait_until_resident(accessed_once);
    }
    ~MemoryUser() { end(); }
    MemoryUser(const MemoryUser&) = delete;
    MemoryUser& operator=(const MemoryUser&) = delete;

    void end() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    const GuestSample& sample() const { return sample_; }

    struct Levels {
        std::uint64_t hot = 0, cold = 0;  // per mille of max_level, by bytes
    };
    Levels levels(const HeatScan& scan) const {
        const std::uint64_t border = memory_.address() + hot_;
        unsigned __int128 hot = 0, cold = 0;
        for (const AccessedRange& range : scan.accessed) {
            const std::uint64_t split = std::clamp(border, range.start, range.end);
            hot += static_cast<unsigned __int128>(split - range.start) * range.level;
            cold += static_cast<unsigned __int128>(range.end - split) * range.level;
        }
        const auto per_mille = [](unsigned __int128 sum, std::uint64_t bytes) {
            return static_cast<std::uint64_t>(sum * 1000 / max_level / std::max(bytes, mib));
        };
        return {per_mille(hot, hot_), per_mille(cold, memory_.size() - hot_)};
    }

    // The cold bytes in ranges that the scan found accessed.
    std::uint64_t cold_bytes_accessed(const HeatScan& scan) const {
        std::uint64_t bytes = 0;
        for (const AccessedRange& range : scan.accessed)
            if (range.level > 0 && range.end > memory_.address() + hot_)
                bytes += range.end - std::max(range.start, memory_.address() + hot_);
        return bytes;
    }

  private:
    // DAMON clears the accessed bit of a page without flushing the TLB, and the processor does not
    // set the bit again while the TLB holds the page. The TLB of an emulated processor holds all of
    // this memory, and is flushed when many pages are unmapped at once.
    void flush_tlb() {
        constexpr std::uint64_t pages = 64;
        const std::uint64_t last = memory_.size() / small_page_bytes - pages;
        memory_.write(last, pages);
        ::madvise(memory_.at(last), pages * small_page_bytes, MADV_DONTNEED);
    }

    void wait_until_resident(std::uint64_t bytes) const {
        for (int tries = 0; tries < 2'000; ++tries) {
            const auto text = sample_.process->read("statm");
            unsigned long all = 0, resident = 0;
            if (text && std::sscanf(text->c_str(), "%lu %lu", &all, &resident) == 2 &&
                resident * small_page_bytes >= bytes)
                return;
            std::this_thread::sleep_for(milliseconds(5));
        }
    }

    TestMemory memory_;
    std::uint64_t hot_;
    pid_t pid_ = -1;
    GuestSample sample_;
};

std::optional<HeatScan> scan_memory(HeatTracker& tracker, const MemoryUser& child) {
    const auto start = Clock::now();
    const auto scan = tracker.begin(child.sample(), duration);
    if (!scan) return std::nullopt;
    const auto began = ms_since(start);
    std::this_thread::sleep_for(duration);
    const auto over = Clock::now();
    std::optional<HeatScan> result = scan->finish();
    const auto finished = ms_since(over);
    if (!result) return result;
    const auto levels = child.levels(*result);
    std::cout << "begin " << began << " ms, finish " << finished << " ms, kdamond "
              << result->cost.count() << " us, estimate "
              << tracker.estimate(child.sample()).count() << " us, " << result->accessed.size()
              << " regions, " << child.cold_bytes_accessed(*result) / mib
              << " MiB of cold memory taken for accessed, hot " << levels.hot << ", cold "
              << levels.cold << " per mille, "
              << (result->warning.empty() ? "no warning" : result->warning) << std::endl;
    return result;
}

class DamonOfAKernel : public testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(text_of("nr_kdamonds"), "0"); }
    void TearDown() override {
        EXPECT_EQ(text_of("nr_kdamonds"), "0") << "the test has left kdamonds";
    }
    static std::unique_ptr<HeatTracker> probe() {
        std::string error;
        auto tracker = probe_damon("/sys", std::chrono::seconds(1), error);
        EXPECT_TRUE(tracker) << error;
        return tracker;
    }
};

TEST_F(DamonOfAKernel, TellsHotFromColdMemoryInOneScan) {
    const MemoryUser child(512 * mib, 64 * mib, 256 * mib);
    const auto tracker = probe();
    const auto scan = scan_memory(*tracker, child);
    ASSERT_TRUE(scan);
    EXPECT_EQ(scan->accessed.size(), 256U);
    EXPECT_GT(child.levels(*scan).hot, 600U);
    EXPECT_LT(child.levels(*scan).cold, 50U);
    EXPECT_GT(scan->cost.count(), 0);
    EXPECT_EQ(scan->warning, "");
    EXPECT_TRUE(scan_memory(*tracker, child)) << "a second scan, with the same regions";
}

TEST_F(DamonOfAKernel, FindsHotMemorySmallerThanItsFirstRegions) {
    // The hot memory is as large as one and a half of the 1,024 regions of the first scan.
    const MemoryUser child(64 * 1024 * mib, 96 * mib, 128 * mib);
    const auto tracker = probe();
    std::optional<HeatScan> scan;
    for (int i = 0; i < 4; ++i)
        scan = scan_memory(*tracker, child);
    ASSERT_TRUE(scan);
    EXPECT_GT(child.levels(*scan).hot, 600U);
    EXPECT_LT(child.cold_bytes_accessed(*scan), 16 * mib);
    EXPECT_LE(scan->accessed.size(), max_regions_read);
}

TEST_F(DamonOfAKernel, RunsAsManyScansAtOnceAsThePoolHasKdamonds) {
    const MemoryUser child(256 * mib, 32 * mib, 64 * mib);
    const auto tracker = probe();
    std::vector<std::unique_ptr<PendingScan>> scans;
    for (std::size_t i = 0; i < kdamonds_in_pool; ++i) {
        scans.push_back(tracker->begin(child.sample(), duration));
        ASSERT_TRUE(scans.back());
    }
    EXPECT_FALSE(tracker->begin(child.sample(), duration));
    std::this_thread::sleep_for(duration);
    for (auto& scan : scans) {
        const auto start = Clock::now();
        const auto result = scan->finish();
        ASSERT_TRUE(result);
        const auto levels = child.levels(*result);
        std::cout << "finish " << ms_since(start) << " ms, kdamond " << result->cost.count()
                  << " us, hot " << levels.hot << ", cold " << levels.cold << std::endl;
        EXPECT_GT(levels.hot, 500U);
        EXPECT_LT(levels.cold, 50U);
    }
    EXPECT_TRUE(tracker->begin(child.sample(), duration)) << "all kdamonds are free again";
}

TEST_F(DamonOfAKernel, AScanHasALowPriorityAndIsTurnedOffWhenItIsAbandoned) {
    const MemoryUser child(64 * mib, 32 * mib, 48 * mib);
    const auto tracker = probe();
    auto scan = tracker->begin(child.sample(), duration);
    ASSERT_TRUE(scan);
    EXPECT_EQ(text_of("0/state"), "on");
    EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(std::stoi(text_of("0/pid")))),
              kdamond_nice);
    scan.reset();
    EXPECT_EQ(text_of("0/state"), "off");
}

TEST_F(DamonOfAKernel, KdamondsThatAKilledVnumadHasLeftAreRemoved) {
    const MemoryUser child(64 * mib, 32 * mib, 48 * mib);
    const pid_t other = ::fork();
    if (other == 0) {
        const auto tracker = probe();
        const auto scan = tracker->begin(child.sample(), duration);
        const auto second = tracker->begin(child.sample(), duration);
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ::waitpid(other, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_EQ(text_of("nr_kdamonds"), std::to_string(kdamonds_in_pool));
    ASSERT_EQ(text_of("0/state"), "on");
    const auto tracker = probe();
    EXPECT_EQ(text_of("nr_kdamonds"), "0");
    EXPECT_TRUE(scan_memory(*tracker, child));
}

TEST_F(DamonOfAKernel, ASecondVnumadAtTheSameTimeIsRefused) {
    const auto tracker = probe();
    std::string error;
    EXPECT_FALSE(probe_damon("/sys", std::chrono::seconds(1), error));
    EXPECT_EQ(error, "another vnumad uses DAMON");
}

TEST_F(DamonOfAKernel, KdamondsOfOtherProgramsAreLeftAlone) {
    ASSERT_TRUE(write_text(std::string(kdamonds) + "nr_kdamonds", "2"));
    ASSERT_TRUE(write_text(std::string(kdamonds) + "1/contexts/nr_contexts", "1"));
    std::string error;
    EXPECT_FALSE(probe_damon("/sys", std::chrono::seconds(1), error));
    EXPECT_EQ(error, "DAMON is in use: another program has set nr_kdamonds to 2");
    EXPECT_EQ(text_of("nr_kdamonds"), "2");
    EXPECT_EQ(text_of("1/contexts/nr_contexts"), "1");
    ASSERT_TRUE(write_text(std::string(kdamonds) + "nr_kdamonds", "0"));
}

TEST_F(DamonOfAKernel, ARemovedPoolIsCreatedAgainOnceNoOtherProgramHasKdamonds) {
    const MemoryUser child(64 * mib, 32 * mib, 48 * mib);
    const auto tracker = probe();
    ASSERT_TRUE(tracker->begin(child.sample(), duration));
    ASSERT_TRUE(write_text(std::string(kdamonds) + "nr_kdamonds", "1"));
    EXPECT_THROW(tracker->begin(child.sample(), duration), TrackingError);
    EXPECT_THROW(tracker->begin(child.sample(), duration), TrackingError);
    EXPECT_EQ(text_of("nr_kdamonds"), "1");
    ASSERT_TRUE(write_text(std::string(kdamonds) + "nr_kdamonds", "0"));
    EXPECT_TRUE(scan_memory(*tracker, child));
}

TEST_F(DamonOfAKernel, AScanOfAGuestThatEndsFails) {
    MemoryUser child(64 * mib, 32 * mib, 48 * mib);
    const auto tracker = probe();
    const auto scan = tracker->begin(child.sample(), duration);
    ASSERT_TRUE(scan);
    child.end();
    std::this_thread::sleep_for(duration / 2);
    EXPECT_THROW(scan->finish(), TrackingError);
    EXPECT_THROW(tracker->begin(child.sample(), duration), TrackingError);
}

TEST_F(DamonOfAKernel, TheErrorNamesDamonReclaimWhenItExcludesOtherUsers) {
    const std::string enabled = "/sys/module/damon_reclaim/parameters/enabled";
    if (!std::filesystem::exists(enabled)) GTEST_SKIP() << "the kernel has no DAMON_RECLAIM";
    const MemoryUser child(64 * mib, 32 * mib, 48 * mib);
    const auto tracker = probe();
    ASSERT_TRUE(write_text(enabled, "Y"));
    try {
        tracker->begin(child.sample(), duration);
        ADD_FAILURE() << "DAMON_RECLAIM did not run";
    } catch (const TrackingError& error) {
        EXPECT_NE(std::string(error.what()).find("DAMON_RECLAIM"), std::string::npos)
            << error.what();
    }
    ASSERT_TRUE(write_text(enabled, "N"));
    EXPECT_TRUE(tracker->begin(child.sample(), duration));
}

}  // namespace
}  // namespace vnuma
