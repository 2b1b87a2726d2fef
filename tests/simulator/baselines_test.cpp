// vnumad compared with other balancers over all traces together. simulate-baselines prints the
// table.
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

TEST_F(Baselines, VnumadHasFewerRemoteAccesses) {
    for (const char* other : {"no balancing", "numad"})
        EXPECT_LT(remote_share(total("vnumad")), remote_share(total(other))) << other;
    // A guest that is pinned to one node before it starts has no remote accesses. vnumad pins it
    // one tick later, and repins a guest without vNUMA some time after its vCPUs have exchanged
    // memory.
    constexpr double late = 0.002;
    EXPECT_LE(remote_share(total("vnumad")), remote_share(total("first fit")) + late);
}

TEST_F(Baselines, VnumadHasLessContention) {
    for (const char* other : {"no balancing", "first fit", "numad"})
        EXPECT_LE(total("vnumad").contention, total(other).contention) << other;
}

TEST_F(Baselines, VnumadMovesLessThanNumad) {
    EXPECT_LE(total("vnumad").moved, total("numad").moved);
    EXPECT_LE(total("vnumad, asked first").moved, total("numad, asked first").moved);
}

TEST_F(Baselines, AdviceBeforeTheStartSavesMoves) {
    EXPECT_LT(total("vnumad, asked first").moved, total("vnumad").moved);
    constexpr double alike = 0.0005;
    EXPECT_LE(remote_share(total("vnumad, asked first")), remote_share(total("vnumad")) + alike);
}

}  // namespace
}  // namespace vnuma::simulator
