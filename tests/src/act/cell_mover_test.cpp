#include "src/act/cell_mover.hpp"
#include "guests/process/process.hpp"

#include <gtest/gtest.h>
#include <numaif.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace vnuma {
namespace {

using namespace std::chrono_literals;

// One node is enough to see that memory at home is looked at whole and left alone, and that the
// kernel's refusals come through; moving between nodes is shown in the lab.
class CellMoverTest : public ::testing::Test {
  protected:
    static constexpr std::size_t size = 9 << 20;

    void SetUp() override {
        memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ASSERT_NE(memory, MAP_FAILED);
        std::memset(memory, 1, size);
        process = Process::open(::getpid());
        ASSERT_TRUE(process);
        void* page = memory;
        ASSERT_EQ(::move_pages(0, 1, &page, nullptr, &node, 0), 0);
    }
    void TearDown() override { ::munmap(memory, size); }

    std::vector<RamRange> ranges() const {
        return {{reinterpret_cast<std::uint64_t>(memory), size}};
    }

    void* memory = nullptr;
    int node = 0;
    std::optional<Process> process;
    std::unique_ptr<Kernel> kernel = open_kernel();
    FailingRanges failing{2 << 20};
    StepLimits limits{10ms, 1024 * mib};
};

TEST_F(CellMoverTest, MemoryAtHomeIsFinishedWithoutAMove) {
    CellMover mover(ranges(), {}, node);
    Bytes moved = 0;
    int steps = 0;
    for (bool finished = false; !finished; ++steps) {
        ASSERT_LT(steps, 100) << "it never ends";
        const MoveStep step = mover.step(*kernel, *process, failing, limits);
        EXPECT_EQ(step.error, "");
        moved += step.bytes;
        finished = step.finished;
    }
    EXPECT_EQ(moved, 0);
    EXPECT_GT(steps, 3) << "the second pass looks at every page, a bounded number at a time";
}

TEST_F(CellMoverTest, ANodeThatDoesNotExistIsTheKernelsRefusal) {
    CellMover mover(ranges(), {}, 63);
    const MoveStep step = mover.step(*kernel, *process, failing, limits);
    EXPECT_TRUE(step.finished);
    EXPECT_NE(step.error.find("move_pages"), std::string::npos);
}

TEST_F(CellMoverTest, LooksAtAllOfItWhateverIsHot) {
    const std::uint64_t start = ranges()[0].start;
    CellMover mover(ranges(), {{start + (4 << 20), 1 << 20}}, node);
    int steps = 0;
    while (!mover.step(*kernel, *process, failing, limits).finished)
        ASSERT_LT(++steps, 100) << "it never ends";
    EXPECT_GT(steps, 3);
}

TEST_F(CellMoverTest, LooksAtManySmallRangesTogether) {
    std::vector<RamRange> scattered;
    for (std::uint64_t page = 0; page < size / 4096; page += 2)
        scattered.push_back({ranges()[0].start + page * 4096, 4096});
    ASSERT_GT(scattered.size(), 1000U);
    CellMover mover(scattered, {}, node);
    int steps = 0;
    while (!mover.step(*kernel, *process, failing, limits).finished)
        ASSERT_LT(++steps, 8);
}

TEST_F(CellMoverTest, ServesOnlyTheSameMemoryAndNode) {
    const CellMover mover(ranges(), {}, 0);
    EXPECT_TRUE(mover.serves(ranges(), {}, 0));
    EXPECT_FALSE(mover.serves(ranges(), {}, 1));
    EXPECT_FALSE(mover.serves({}, {}, 0));
}

TEST_F(CellMoverTest, BeginsAnewOnceWhenItGetsKnownWhatIsHot) {
    const std::vector<RamRange> hot{{ranges()[0].start, 4096}}, other{{0, 4096}};
    EXPECT_FALSE(CellMover(ranges(), {}, 0).serves(ranges(), hot, 0));
    EXPECT_TRUE(CellMover(ranges(), hot, 0).serves(ranges(), other, 0));
    EXPECT_TRUE(CellMover(ranges(), hot, 0).serves(ranges(), {}, 0));
}

TEST(HotFirst, IsWhatIsHotAndThenTheRest) {
    EXPECT_EQ(
        hot_first({{100, 100}, {300, 50}}, {{120, 10}, {190, 120}}),
        (std::vector<RamRange>{{120, 10}, {190, 10}, {300, 10}, {100, 20}, {130, 60}, {310, 40}}));
    EXPECT_EQ(hot_first({{100, 100}}, {}), (std::vector<RamRange>{{100, 100}}));
}

// Which of 1,000 bytes a place in the order covers.
std::vector<std::uint64_t> bytes_of(const std::vector<RamRange>& ranges) {
    std::vector<std::uint64_t> bytes;
    for (const RamRange& range : ranges)
        for (std::uint64_t byte = range.start; byte < range.start + range.size; ++byte)
            bytes.push_back(byte);
    return bytes;
}

// Some ranges without overlap, in order.
std::vector<RamRange> some_ranges(std::mt19937& random) {
    std::vector<RamRange> ranges;
    for (std::uint64_t at = random() % 50; at < 1000;) {
        const std::uint64_t size = std::min<std::uint64_t>(1 + random() % 200, 1000 - at);
        ranges.push_back({at, size});
        at += size + random() % 100;
    }
    return ranges;
}

TEST(HotFirst, IsAllOfTheMemoryOnceAndWhatIsHotAtItsBeginning) {
    for (unsigned seed = 0; seed < 500; ++seed) {
        std::mt19937 random(seed);
        const std::vector<RamRange> memory = some_ranges(random), hot = some_ranges(random);
        const std::vector<std::uint64_t> warm = bytes_of(hot);
        std::vector<std::uint64_t> order = bytes_of(hot_first(memory, hot));
        EXPECT_TRUE(std::is_partitioned(
            order.begin(), order.end(),
            [&](std::uint64_t byte) { return std::binary_search(warm.begin(), warm.end(), byte); }))
            << "seed " << seed;
        std::sort(order.begin(), order.end());
        EXPECT_EQ(order, bytes_of(memory)) << "seed " << seed;
    }
}

}  // namespace
}  // namespace vnuma
