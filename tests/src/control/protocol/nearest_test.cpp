#include "src/control/protocol/nearest.hpp"

#include <gtest/gtest.h>

namespace vnuma::control {
namespace {

const std::vector<std::string> verbs{"status", "list", "show", "explain", "events", "restore"};

TEST(Nearest, DistancesCountInsertionsRemovalsReplacementsAndSwaps) {
    EXPECT_EQ(edit_distance("list", "list"), 0u);
    EXPECT_EQ(edit_distance("", "list"), 4u);
    EXPECT_EQ(edit_distance("lits", "list"), 1u);
    EXPECT_EQ(edit_distance("lost", "list"), 1u);
    EXPECT_EQ(edit_distance("lis", "list"), 1u);
    EXPECT_EQ(edit_distance("show", "list"), 4u);
}

TEST(Nearest, AMisspelledNameIsFound) {
    EXPECT_EQ(nearest_name("lst", verbs), "list");
    EXPECT_EQ(nearest_name("sttaus", verbs), "status");
    EXPECT_EQ(nearest_name("explian", verbs), "explain");
}

TEST(Nearest, ABeginStandsForTheName) {
    EXPECT_EQ(nearest_name("expl", verbs), "explain");
    EXPECT_EQ(nearest_name("s", verbs), "status");
}

TEST(Nearest, WhatIsFarFromAllNamesIsNone) {
    EXPECT_EQ(nearest_name("migrate", verbs), "");
    EXPECT_EQ(nearest_name("", verbs), "");
    EXPECT_EQ(nearest_name("list", {}), "");
}

TEST(Nearest, LongNamesAreComparedByTheirBegin) {
    const std::string a(1'000'000, 'a');
    EXPECT_EQ(edit_distance(a, a + "b"), 0u);
}

}  // namespace
}  // namespace vnuma::control
