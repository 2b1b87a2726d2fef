// vnumad against what else there is, over all traces together. The table for people is printed by
// simulate-baselines.
#include <gtest/gtest.h>

#include "tests/simulator/comparison.hpp"

namespace vnuma::simulator {
namespace {

constexpr unsigned seeds = 2;

class Baselines : public ::testing::Test {
  protected:
    static void SetUpTestSuite() { rows() = compare(seeds); }

    static std::vector<Row>& rows() {
        static std::vector<Row> all;
        return all;
    }
    static const Figures& total(const std::string& balancer) {
        for (const Row& row : rows())
            if (row.trace == "all" && row.balancer == balancer) return row.figures;
        static const Figures none;
        return none;
    }
};

TEST_F(Baselines, FewerAccessesAreRemote) {
    for (const char* other : {"no balancing", "numad"})
        EXPECT_LT(remote_share(total("vnumad")), remote_share(total(other))) << other;
    // Pins before a guest starts have nothing remote at all, if everything is on one node; vnumad
    // has until it has found the guest, or that its vCPUs have traded their memory.
    constexpr double found_late = 0.002;
    EXPECT_LE(remote_share(total("vnumad")), remote_share(total("first fit")) + found_late);
}

TEST_F(Baselines, LessDemandGoesUnserved) {
    for (const char* other : {"no balancing", "first fit", "numad"})
        EXPECT_LE(total("vnumad").contention, total(other).contention) << other;
}

TEST_F(Baselines, NoMoreIsMovedThanNumadMoves) {
    EXPECT_LE(total("vnumad").moved, total("numad").moved);
    EXPECT_LE(total("vnumad, asked first").moved, total("numad, asked first").moved);
}

TEST_F(Baselines, BeingAskedFirstSavesMoves) {
    EXPECT_LT(total("vnumad, asked first").moved, total("vnumad").moved);
    EXPECT_LE(remote_share(total("vnumad, asked first")), remote_share(total("vnumad")));
}

}  // namespace
}  // namespace vnuma::simulator
