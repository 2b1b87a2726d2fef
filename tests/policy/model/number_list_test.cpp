#include "policy/model/number_list.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using Numbers = std::vector<int>;

TEST(ParseNumberList, ReadsTheListsOfTheKernelAndOfLibvirt) {
    EXPECT_EQ(parse_number_list("0-3\n"), (Numbers{0, 1, 2, 3}));
    EXPECT_EQ(parse_number_list("8,0-1"), (Numbers{0, 1, 8}));
    EXPECT_EQ(parse_number_list("0-4,^2"), (Numbers{0, 1, 3, 4}));
    EXPECT_EQ(parse_number_list("\n"), Numbers{}) << "a node without CPUs";
}

TEST(ParseNumberList, RefusesAnythingElse) {
    for (const char* text : {"x", "3-1", "-1", "1-", "1,,2", "1,", ",1", ",", "0-99999999", "1 2"})
        EXPECT_EQ(parse_number_list(text), std::nullopt) << text;
}

TEST(ParseNumberList, RefusesTheSameNumbersManyTimes) {
    EXPECT_NE(parse_number_list("0-65535,^0-65534"), std::nullopt);
    EXPECT_EQ(parse_number_list("0-65535,0-65535,0-65535,0-65535,0"), std::nullopt);
}

TEST(ParseNodeList, RefusesAnEmptyListAndNodesThatNoKernelHas) {
    EXPECT_EQ(parse_node_list("0-3,^1"), (Numbers{0, 2, 3}));
    for (const char* text : {"", "^0", "1024", "0-65535", "x"})
        EXPECT_EQ(parse_node_list(text), std::nullopt) << text;
}

TEST(ParseNodeSequence, KeepsOrderAndRepetitions) {
    EXPECT_EQ(parse_node_sequence("1,0"), (Numbers{1, 0}));
    EXPECT_EQ(parse_node_sequence("0,0-1"), (Numbers{0, 0, 1}));
    for (const char* text : {"", "^0", "0,^0", "1024", "0-1023,0", "1,,2", "0,", "x"})
        EXPECT_EQ(parse_node_sequence(text), std::nullopt) << text;
}

TEST(FormatNumberList, WritesASequenceInItsOrder) {
    for (const Numbers& numbers : {Numbers{1, 0}, Numbers{0, 0, 1}, Numbers{3, 1, 2, 0}})
        EXPECT_EQ(parse_node_sequence(format_number_list(numbers)), numbers);
}

TEST(FormatNumberList, WritesRangesAsTheKernelDoes) {
    EXPECT_EQ(format_number_list({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
    EXPECT_EQ(format_number_list({}), "");
}

TEST(SortedUnique, SortsAndDropsDuplicates) {
    EXPECT_EQ(sorted_unique({3, 1, 3, 0}), (Numbers{0, 1, 3}));
}

TEST(RemoveOthers, ReturnsTheNumbersThatAreNotAllowed) {
    Numbers numbers{5, 1, 7, 0};
    EXPECT_EQ(remove_others(numbers, {0, 1}), (Numbers{5, 7}));
    EXPECT_EQ(numbers, (Numbers{1, 0}));
}

}  // namespace
}  // namespace vnuma
