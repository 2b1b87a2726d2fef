#include "src/control/queries/words.hpp"

#include <gtest/gtest.h>

namespace vnuma::control {
namespace {

TEST(Words, MakeASentenceOfAClauseAndAClauseOfASentence) {
    EXPECT_EQ(sentence("its memory is locked"), "Its memory is locked.");
    EXPECT_EQ(sentence("It is."), "It is.");
    EXPECT_EQ(sentence("vnumad is frozen"), "vnumad is frozen.") << "a name stays as it is";
    EXPECT_EQ(sentence(""), "");
    EXPECT_EQ(clause("A detail is odd."), "A detail is odd");
    EXPECT_EQ(clause(""), "");
}

TEST(Words, WriteSizesWithUnits) {
    EXPECT_EQ(size_text(0), "0 MiB");
    EXPECT_EQ(size_text(-5), "0 MiB");
    EXPECT_EQ(size_text(4096), "less than 1 MiB");
    EXPECT_EQ(size_text(1023 * mib), "1023 MiB");
    EXPECT_EQ(size_text(1024 * mib), "1 GiB");
    EXPECT_EQ(size_text(1536 * mib), "1.5 GiB");
    EXPECT_EQ(size_text(Bytes{200} * 1024 * mib + 512 * mib), "200 GiB");
}

TEST(Words, SayNeitherAllNorNothingOfWhatIsOnlyNearlySo) {
    EXPECT_EQ(percent_text(1000), "100 %");
    EXPECT_EQ(percent_text(999), "99 %");
    EXPECT_EQ(percent_text(1), "1 %");
    EXPECT_EQ(percent_text(0), "0 %");
    EXPECT_EQ(percent_text(745), "75 %");
}

TEST(Words, WriteTimesInTwoUnitsAtMost) {
    EXPECT_EQ(time_text(1), "1 s");
    EXPECT_EQ(time_text(119'000), "119 s");
    EXPECT_EQ(time_text(290'000), "4 min 50 s");
    EXPECT_EQ(time_text(300'000), "5 min");
    EXPECT_EQ(time_text(7'500'000), "2 h 5 min");
    EXPECT_EQ(cost_text(70), "70 ms of CPU time");
    EXPECT_EQ(cost_text(12'345), "12.3 s of CPU time");
    EXPECT_EQ(cost_text(70, 12'345), "70 ms of CPU time instead of 12.3 s");
}

TEST(Words, ListNodesAndParts) {
    EXPECT_EQ(nodes_text({}), "no node");
    EXPECT_EQ(nodes_text({4}), "node 4");
    EXPECT_EQ(nodes_text({0, 1, 3}), "nodes 0-1,3");
    EXPECT_EQ(join({"a", "b", "c"}), "a, b and c");
    EXPECT_EQ(join({"a"}, " or "), "a");
    EXPECT_EQ(count_text(1, "vCPU"), "1 vCPU");
    EXPECT_EQ(count_text(0, "vCPU"), "0 vCPUs");
}

TEST(Words, QuoteWhatAShellWouldTakeApart) {
    EXPECT_EQ(shell_word("web-1.example"), "web-1.example");
    EXPECT_EQ(shell_word("my guest"), "'my guest'");
    EXPECT_EQ(shell_word("it's;rm"), "'it'\\''s;rm'");
    EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace vnuma::control
