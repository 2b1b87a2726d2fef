#include "src/mover.hpp"

#include <gtest/gtest.h>
#include <numaif.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

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
};

TEST_F(CellMoverTest, MemoryAtHomeIsFinishedWithoutAMove) {
    CellMover mover(ranges(), node);
    Bytes moved = 0;
    int steps = 0;
    for (bool finished = false; !finished; ++steps) {
        ASSERT_LT(steps, 100) << "it never ends";
        const MoveStep step = mover.step(*process, 10ms);
        EXPECT_EQ(step.error, "");
        moved += step.bytes;
        finished = step.finished;
    }
    EXPECT_EQ(moved, 0);
    EXPECT_GT(steps, 3) << "the second pass looks at every page, a bounded number at a time";
}

TEST_F(CellMoverTest, ANodeThatDoesNotExistIsTheKernelsRefusal) {
    CellMover mover(ranges(), 63);
    const MoveStep step = mover.step(*process, 10ms);
    EXPECT_TRUE(step.finished);
    EXPECT_NE(step.error.find("move_pages"), std::string::npos);
}

TEST_F(CellMoverTest, ServesOnlyTheSameMemoryAndNode) {
    const CellMover mover(ranges(), 0);
    EXPECT_TRUE(mover.serves(ranges(), 0));
    EXPECT_FALSE(mover.serves(ranges(), 1));
    EXPECT_FALSE(mover.serves({}, 0));
}

}  // namespace
}  // namespace vnuma
