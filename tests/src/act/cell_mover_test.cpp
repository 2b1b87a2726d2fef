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

// Memory of small pages at node 1, some of which something holds. Each page moves by itself, unless
// all of it is of huge pages.
class PagesInMemory final : public Kernel {
  public:
    static constexpr std::uint64_t start = std::uint64_t{1} << 30, page = 4096;

    explicit PagesInMemory(std::size_t pages, std::uint64_t whole = page)
        : nodes(pages, 1), held(pages), whole_(whole) {}

    std::vector<int> nodes;  // of each small page
    std::vector<bool> held;
    std::size_t tried = 0, calls = 0, queries = 0;

    Bytes moved() const {
        return static_cast<Bytes>(page) * std::count(nodes.begin(), nodes.end(), 0);
    }
    std::vector<RamRange> ranges() const { return {{start, nodes.size() * page}}; }

    bool acts() const override { return true; }
    bool is_alive(const Process&) override { return true; }
    std::optional<ThreadCpus> read_cpus(const ThreadIdentity&) override { return {}; }
    int find_life(const ThreadIdentity&) override { return 0; }
    std::vector<ThreadIdentity> read_threads(const ThreadIdentity&) override { return {}; }
    int read_page_nodes(const Process&, std::span<const std::uint64_t> addresses,
                        std::span<int> found) override {
        queries += addresses.size();
        for (std::size_t i = 0; i < addresses.size(); ++i) {
            const std::uint64_t index = (addresses[i] - start) / page;
            found[i] = index < nodes.size() ? nodes[index] : -ENOENT;
        }
        return 0;
    }
    Bytes read_available(int) override { return 0; }
    CallResult set_affinity(const ThreadIdentity&, const std::vector<int>&) override { return {}; }
    CallResult move_pages(const Process&, std::span<const std::uint64_t> addresses,
                          int node_id) override {
        ++calls;
        tried += addresses.size();
        const std::uint64_t pages = whole_ / page;
        for (const std::uint64_t address : addresses) {
            const std::uint64_t first = (address - start) / whole_ * pages;
            if (held[first]) continue;
            std::fill_n(nodes.begin() + static_cast<std::ptrdiff_t>(first), pages, node_id);
        }
        return {0, 1ms};
    }
    Bytes read_high_watermark(int) override { return 0; }
    Bytes read_unreserved_huge(int, Bytes) override { return 0; }
    HostPressure read_host_pressure() override { return {}; }
    std::optional<SchedStat> read_times(const Process&, pid_t) override { return {}; }
    std::optional<Pressure> read_stalls(const Process&, pid_t) override { return {}; }
    PinReply read_libvirt_pin(const std::string&, DomainThread) override { return {}; }
    PinReply set_libvirt_pin(const std::string&, DomainThread, const std::vector<int>&) override {
        return {};
    }

  private:
    std::uint64_t whole_;
};

class MovingTest : public ::testing::Test {
  protected:
    // The sum of all steps.
    MoveStep move_all(PagesInMemory& kernel, Bytes hugetlb_page = 0) {
        CellMover mover(kernel.ranges(), {}, 0, hugetlb_page);
        MoveStep sum;
        for (int steps = 0; !sum.finished; ++steps) {
            EXPECT_LT(steps, 10'000) << "it never ends";
            const MoveStep step = mover.step(kernel, *process, failing, limits);
            sum.bytes += step.bytes;
            sum.tried += step.tried;
            sum.refused += step.refused;
            sum.finished = step.finished || steps == 10'000;
        }
        return sum;
    }

    std::optional<Process> process = Process::open(::getpid());
    FailingRanges failing{2 << 20};
    StepLimits limits{10ms, 1024 * mib, FailingRanges::Time(1000s)};
};

TEST_F(MovingTest, SmallPagesAllMoveAndAreCountedOnce) {
    PagesInMemory kernel(2000);
    const MoveStep sum = move_all(kernel);
    EXPECT_EQ(kernel.moved(), 2000 * 4096);
    EXPECT_EQ(sum.bytes, 2000 * 4096);
    EXPECT_EQ(sum.tried, 2000 * 4096);
    EXPECT_EQ(kernel.tried, 2000U);
}

TEST_F(MovingTest, TransparentHugePagesMoveWholeByOneOfTheirPages) {
    PagesInMemory kernel(2048, 2 << 20);
    EXPECT_EQ(move_all(kernel).bytes, 8 * mib);
    EXPECT_EQ(kernel.tried, 4U);
}

TEST_F(MovingTest, ARangeOfWhichManyPagesStayIsGivenUpAndThenTriedByAFew) {
    PagesInMemory kernel(1024);
    std::fill(kernel.held.begin() + 1, kernel.held.begin() + 512, true);
    MoveStep sum = move_all(kernel);
    EXPECT_EQ(kernel.moved(), 513 * 4096) << "the other range has moved";
    EXPECT_LE(sum.refused, 128) << "one call";
    EXPECT_EQ(sum.tried, sum.bytes + sum.refused * 4096) << "attempts count";
    EXPECT_TRUE(failing.waits(kernel.start + 4096, limits.now));
    EXPECT_EQ(move_all(kernel).refused, 0) << "it is left alone";
    limits.now += FailingRanges::longest_wait;
    EXPECT_EQ(move_all(kernel).refused, FailingRanges::probe_pages);
    limits.now += FailingRanges::longest_wait;
    kernel.held.assign(1024, false);
    EXPECT_EQ(move_all(kernel).bytes, 511 * 4096) << "and once nothing holds it, it moves";
}

TEST_F(MovingTest, ARangeWhoseHugePageStaysIsNotTriedPageByPage) {
    PagesInMemory kernel(2048, 2 << 20);
    kernel.held[0] = true;
    const MoveStep sum = move_all(kernel);
    EXPECT_EQ(sum.refused, 1);
    EXPECT_EQ(sum.tried, 8 * mib) << "it counts as much as one that moves";
    EXPECT_EQ(kernel.moved(), 6 * mib);
}

TEST_F(MovingTest, MemoryOfAPoolIsGoneOverOnceByItsPages) {
    PagesInMemory kernel(2048, 4 << 20);
    const MoveStep sum = move_all(kernel, 4 * mib);
    EXPECT_EQ(sum.bytes, 8 * mib);
    EXPECT_EQ(kernel.tried, 2U);
    EXPECT_EQ(kernel.calls, 2U) << "pages of more than 2 MiB move one by one";
    EXPECT_LT(kernel.queries, 10U);
}

TEST_F(MovingTest, ACallMovesNoMoreThanThereIsRoomFor) {
    PagesInMemory kernel(16 * 512, 2 << 20);
    CellMover mover(kernel.ranges(), {}, 0);
    limits.room = 3 * mib;
    for (int i = 1; i <= 5; ++i) {
        EXPECT_EQ(mover.step(kernel, *process, failing, limits).bytes, 2 * mib);
        EXPECT_EQ(kernel.tried, static_cast<std::size_t>(i));
    }
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
