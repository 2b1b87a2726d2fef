#include "policy/model/shell_pattern.hpp"

#include <gtest/gtest.h>

#include <string>

namespace vnuma {
namespace {

TEST(ShellPattern, StarStandsForAnyTextAndQuestionMarkForOneByte) {
    EXPECT_TRUE(matches_pattern("web*", "web"));
    EXPECT_TRUE(matches_pattern("web*", "web-17"));
    EXPECT_FALSE(matches_pattern("web*", "my-web"));
    EXPECT_TRUE(matches_pattern("*-db-*", "shop-db-1"));
    EXPECT_TRUE(matches_pattern("*a*b*c", "xaybaczc")) << "the last star may have to begin again";
    EXPECT_FALSE(matches_pattern("*a*b*c", "xaybaczd"));
    EXPECT_TRUE(matches_pattern("web?", "web1"));
    EXPECT_FALSE(matches_pattern("web?", "web"));
    EXPECT_FALSE(matches_pattern("", "web"));
    EXPECT_TRUE(matches_pattern("**", ""));
}

TEST(ShellPattern, BracketsStandForOneByteOfASet) {
    EXPECT_TRUE(matches_pattern("web[0-3x]", "web2"));
    EXPECT_TRUE(matches_pattern("web[0-3x]", "webx"));
    EXPECT_FALSE(matches_pattern("web[0-3x]", "web4"));
    EXPECT_FALSE(matches_pattern("web[!0-3]", "web2"));
    EXPECT_TRUE(matches_pattern("web[^0-3]", "web4"));
    EXPECT_TRUE(matches_pattern("[]]", "]"));
    EXPECT_TRUE(matches_pattern("[a-]", "-"));
    EXPECT_TRUE(matches_pattern("[*]", "*"));
    EXPECT_FALSE(matches_pattern("[*]", "a"));
    EXPECT_TRUE(matches_pattern("web[1", "web[1")) << "a bracket that is not closed";
    EXPECT_TRUE(matches_pattern("[]", "[]"));
    EXPECT_TRUE(matches_pattern("[!]", "[!]"));
}

TEST(ShellPattern, ASlashAndABackslashAreOrdinary) {
    EXPECT_TRUE(matches_pattern("/kubepods/*", "/kubepods/burstable/pod1/c2"));
    EXPECT_TRUE(matches_pattern("/m/*qemu\\x2d1\\x2d*", "/m/machine-qemu\\x2d1\\x2dweb.scope"));
}

TEST(ShellPattern, IsAPatternIfAnythingInItStandsForSomethingElse) {
    EXPECT_FALSE(is_pattern("web-1.example"));
    EXPECT_FALSE(is_pattern("web[1"));
    EXPECT_FALSE(is_pattern(""));
    for (const char* pattern : {"web*", "web?", "web[1]"})
        EXPECT_TRUE(is_pattern(pattern)) << pattern;
}

TEST(ShellPattern, ItsLiteralLengthCountsWhatStandsForItself) {
    EXPECT_EQ(literal_length("web*"), 3U);
    EXPECT_EQ(literal_length("w?b[0-9]*x"), 3U);
    EXPECT_EQ(literal_length("*"), 0U);
    EXPECT_EQ(literal_length("web[1"), 5U);
}

TEST(ShellPattern, ManyStarsTakeNoMoreThanTheProductOfTheLengths) {
    std::string pattern;
    for (int i = 0; i < 200; ++i)
        pattern += "*a";
    EXPECT_FALSE(matches_pattern(pattern + "b", std::string(4000, 'a')));
}

}  // namespace
}  // namespace vnuma
