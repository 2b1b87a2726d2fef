#include "qmp/memory_budget.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace vnuma::qmp {
namespace {

TEST(MemoryBudget, AShareIsGivenBackAtItsEnd) {
    const auto budget = std::make_shared<MemoryBudget>(100);
    {
        MemoryShare share(budget);
        EXPECT_TRUE(share.resize(40));
        EXPECT_TRUE(share.resize(30));
        EXPECT_EQ(budget->used(), 30U);
        MemoryShare moved(std::move(share));
        EXPECT_EQ(budget->used(), 30U);
        EXPECT_EQ(moved.bytes(), 30U);
        moved = MemoryShare(budget);
        EXPECT_EQ(budget->used(), 0U);
        EXPECT_TRUE(moved.resize(20));
    }
    EXPECT_EQ(budget->used(), 0U);
}

TEST(MemoryBudget, AShareGrowsOnlyToWhatIsLeftForTheOthers) {
    const auto budget = std::make_shared<MemoryBudget>(100);
    MemoryShare share(budget);
    EXPECT_FALSE(share.resize(51));
    EXPECT_EQ(share.bytes(), 0U);
    EXPECT_TRUE(share.resize(50));
    EXPECT_FALSE(share.resize(SIZE_MAX));
    EXPECT_EQ(budget->used(), 50U);
}

TEST(MemoryBudget, ManyThatTakeAllTheyCanLeaveSomethingForOneMore) {
    const auto budget = std::make_shared<MemoryBudget>(1000);
    std::vector<MemoryShare> greedy;
    for (int i = 0; i < 9; ++i)
        greedy.emplace_back(budget);
    for (int round = 0; round < 1000; ++round)
        for (MemoryShare& share : greedy)
            share.resize(share.bytes() + 1);
    EXPECT_EQ(budget->used(), 900U);
    MemoryShare modest(budget);
    EXPECT_TRUE(modest.resize(50));
}

TEST(MemoryBudget, AShareOfNoBudgetHasNoLimit) {
    MemoryShare share;
    EXPECT_TRUE(share.resize(SIZE_MAX));
    EXPECT_EQ(share.bytes(), SIZE_MAX);
}

}  // namespace
}  // namespace vnuma::qmp
