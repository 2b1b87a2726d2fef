#include "policy/model/guest_policy.hpp"

#include <gtest/gtest.h>

#include "tests/policy/policy_sources.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

TEST(GuestPolicy, TheRunTimePolicyOverridesTheArrangementOfAGroup) {
    HostPolicy host;
    host.groups["a"].arrangement = Arrangement::apart;
    host.groups["b"].arrangement = Arrangement::apart;
    host.run_time.groups["a"].arrangement = Arrangement::none;
    host.run_time.groups["b"].members = priority_of(1);
    host.run_time.groups["c"];
    EXPECT_EQ(host.arrangements(),
              (std::map<std::string, Arrangement>{
                  {"a", Arrangement::none}, {"b", Arrangement::apart}, {"c", Arrangement::none}}));
}

TEST(GuestPolicy, GroupNamesAreUpToSixtyFourLettersDigitsAndPunctuation) {
    EXPECT_TRUE(is_group_name("db-1_a.B"));
    for (const char* name : {"", "a b", "a\"", "\xc3\xa4", "a/b"})
        EXPECT_FALSE(is_group_name(name)) << name;
    EXPECT_TRUE(is_group_name(std::string(max_group_name, 'a')));
    EXPECT_FALSE(is_group_name(std::string(max_group_name + 1, 'a')));
}

TEST(GuestPolicy, ValuesAreFoundByTheirName) {
    for (const auto& [mode, word] : modes) {
        EXPECT_EQ(find_by_name(modes, word), mode);
        EXPECT_STREQ(name(mode), word);
    }
    for (const auto& [policy, word] : memory_policies)
        EXPECT_STREQ(name(policy), word);
    for (const auto& [arrangement, word] : arrangements)
        EXPECT_STREQ(name(arrangement), word);
    EXPECT_EQ(find_by_name(modes, "Act"), std::nullopt);
    EXPECT_EQ(find_by_name(modes, ""), std::nullopt);
}

}  // namespace
}  // namespace vnuma
