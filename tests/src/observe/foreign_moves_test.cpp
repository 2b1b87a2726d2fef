#include "src/observe/foreign_moves.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "guests/process/process.hpp"

namespace vnuma {
namespace {

class ForeignMovesTest : public ::testing::Test {
  protected:
    std::string see(Bytes on_0, Bytes on_1, Bytes ours = 0, Bytes kernels = 0) {
        GuestSample guest;
        guest.uuid = "u";
        guest.process = process;
        guest.residency.mode = mode;
        CellSample& cell = guest.cells.emplace_back();
        cell.residency.bytes = {{0, on_0 * mib}, {1, on_1 * mib}};
        return moves.update(guest, ours * mib, kernels * mib);
    }

    std::shared_ptr<const Process> process =
        std::make_shared<const Process>(std::move(*Process::open(::getpid())));
    const char* mode = "summed";
    ForeignMoves moves;
};

TEST_F(ForeignMovesTest, ATenthOfAGuestThatNobodyElseExplainsIsSomebodyElses) {
    see(400, 100);
    EXPECT_EQ(see(360, 140), "") << "less than a tenth";
    EXPECT_EQ(see(300, 200), "someone else moved 60 MiB of its memory");
    EXPECT_EQ(see(300, 200), "") << "told once";
}

TEST_F(ForeignMovesTest, WhatVnumadOrTheKernelsBalancingHasMovedIsExplained) {
    see(400, 100);
    EXPECT_EQ(see(100, 400, 200, 100), "");
}

TEST_F(ForeignMovesTest, WhatIsSeenLaterIsStillExplained) {
    see(400, 100);
    EXPECT_EQ(see(400, 100, 300), "") << "the reading is older than the move";
    EXPECT_EQ(see(100, 400), "");
    EXPECT_NE(see(400, 100), "") << "and is explained once";
}

TEST_F(ForeignMovesTest, MemoryThatComesOrGoesHasNotMoved) {
    see(400, 100);
    EXPECT_EQ(see(400, 500), "");
    EXPECT_EQ(see(100, 500), "");
}

TEST_F(ForeignMovesTest, ReadingsOfDifferentKindsAreNotCompared) {
    see(400, 100);
    mode = "sampled";
    EXPECT_EQ(see(100, 400), "");
    process = std::make_shared<const Process>(std::move(*Process::open(::getppid())));
    EXPECT_EQ(see(400, 100), "") << "another process";
}

}  // namespace
}  // namespace vnuma
