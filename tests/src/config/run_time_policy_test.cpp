#include "src/config/run_time_policy.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "src/config/text_file.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

namespace fs = std::filesystem;

class RunTimePolicyTest : public ::testing::Test {
  protected:
    // As an administrator's tool does: whole, or not at all.
    void say(const std::string& content) const {
        directory.write("policy.toml.new", content);
        fs::rename(file + ".new", file);
    }
    std::optional<int> priority() const {
        const auto words = policy.words().guests.find("web");
        return words == policy.words().guests.end() ? std::nullopt : words->second.priority;
    }

    std::string first_problem() const {
        const std::string problem = policy.problem();
        return problem.substr(0, problem.find('\n'));
    }

    const test::TemporaryDirectory directory;
    const std::string file = directory.path("policy.toml");
    std::int64_t now_ms = 1'000'000;  // since 1970
    HostPolicy host;
    RunTimePolicy policy{file, host};
};

TEST_F(RunTimePolicyTest, NoFileSaysNothing) {
    policy.refresh(now_ms);
    EXPECT_EQ(policy.words(), RunTimeOverrides{});
    EXPECT_EQ(policy.problem(), "");
}

TEST_F(RunTimePolicyTest, AFileIsInForceUntilItIsGone) {
    say("[guest.web]\npriority = 7\n");
    policy.refresh(now_ms);
    EXPECT_EQ(priority(), 7);
    say("[guest.web]\npriority = 8\n");
    policy.refresh(now_ms);
    EXPECT_EQ(priority(), 8);
    fs::remove(file);
    policy.refresh(now_ms);
    EXPECT_EQ(priority(), std::nullopt);
}

TEST_F(RunTimePolicyTest, AMistakeIsToldAndWhatWasSaidBeforeStays) {
    say("[guest.web]\npriority = 7\n");
    policy.refresh(now_ms);
    for (const auto& [content, problem] : std::map<std::string, std::string>{
             {"[guest.web]\npriority = 1000\n", ":2: guest.web.priority: "},
             {"[guest.web]\ngroup = \"db\"\n", ":2: guest.web.group: there is no section"},
             {"[policy]\nhome = \"1\"\n", ":2: policy.home: unknown key"},
             {"[ceiling]\npriority = 8\n", ":1: ceiling: unknown key"},
             {"[guest.web]\nuntil = 2026-12-01\n", ":2: guest.web.until: must be a date and time"},
             {"[guest.web\n", ":1: "}}) {
        say(content);
        policy.refresh(now_ms);
        EXPECT_EQ(policy.problem().find(file + problem), 0U) << policy.problem();
        EXPECT_TRUE(policy.problem().ends_with("\nthe previous policy stays in force"));
        EXPECT_EQ(priority(), 7);
        EXPECT_TRUE(policy.limits().empty());
        policy.refresh(now_ms);
        EXPECT_NE(policy.problem(), "") << "it is still wrong";
    }
    say("[guest.web]\npriority = 9\n");
    policy.refresh(now_ms);
    EXPECT_EQ(policy.problem(), "");
    EXPECT_EQ(priority(), 9);
}

TEST_F(RunTimePolicyTest, WhatOthersMayWriteIsNotInForce) {
    say("[guest.web]\npriority = 7\n");
    fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
    policy.refresh(now_ms);
    EXPECT_EQ(first_problem(), file + ": may be written by others than its owner");
    EXPECT_EQ(priority(), std::nullopt);
    fs::permissions(file, fs::perms::others_write, fs::perm_options::remove);
    policy.refresh(now_ms);
    EXPECT_EQ(priority(), 7);
}

TEST_F(RunTimePolicyTest, AFileThatCannotBeUsedAtTheStartLimitsAllGuestsUntilItIsUsedOrRemoved) {
    const auto is_limited = [this] {
        policy.refresh(now_ms);
        EXPECT_EQ(policy.limits().empty(), policy.problem().empty());
        return policy.limits() ==
               std::vector<PolicyLimit>{
                   {"run-time policy", "its file cannot be used", Mode::observe}};
    };
    say("[guest.web]\nmode = \"of\"\n");
    EXPECT_TRUE(is_limited());
    EXPECT_NE(policy.problem().find("all guests are at most observed"), std::string::npos);
    EXPECT_TRUE(is_limited()) << "it is still wrong";
    say("[guest.web\n");
    EXPECT_TRUE(is_limited());
    say("[guest.web]\nmode = \"off\"\n");
    fs::permissions(file, fs::perms::group_write, fs::perm_options::add);
    EXPECT_TRUE(is_limited());
    fs::permissions(file, fs::perms::group_write, fs::perm_options::remove);
    EXPECT_FALSE(is_limited());
    EXPECT_EQ(policy.words().guests.at("web").mode, Mode::off);
}

TEST_F(RunTimePolicyTest, RemovingAFileThatCouldNotBeUsedAtTheStartLiftsTheLimit) {
    fs::create_directory(file);
    policy.refresh(now_ms);
    EXPECT_FALSE(policy.limits().empty());
    fs::remove(file);
    policy.refresh(now_ms);
    EXPECT_TRUE(policy.limits().empty());
    say("[guest.web\n");
    policy.refresh(now_ms);
    EXPECT_TRUE(policy.limits().empty()) << "there was no policy, and that stays in force";
    EXPECT_NE(policy.problem(), "");
}

TEST_F(RunTimePolicyTest, OnlyARegularFileIsRead) {
    fs::create_directory(file);
    policy.refresh(now_ms);
    EXPECT_EQ(first_problem(), file + ": is no regular file");
}

TEST_F(RunTimePolicyTest, AFileOfMoreThanOneMebibyteIsNotInForce) {
    say("[guest.web]\npriority = 7\n" + std::string(max_text_bytes, '#') + "\n");
    policy.refresh(now_ms);
    EXPECT_EQ(first_problem(), file + ": is larger than 1 MiB");
    EXPECT_EQ(priority(), std::nullopt);
}

TEST_F(RunTimePolicyTest, UuidsPatternsAndControlGroupsAreAsInTheConfiguration) {
    say("[guest.ABCDEF012345467889ABCDEFABCDEF01]\nmode = \"off\"\n[guest.\"w*\"]\npriority = 7\n"
        "[cgroup.\"/machine.slice/*\"]\nmode = \"observe\"\n");
    policy.refresh(now_ms);
    EXPECT_EQ(policy.problem(), "");
    EXPECT_EQ(policy.words().guests.at("abcdef01-2345-4678-89ab-cdefabcdef01").mode, Mode::off);
    EXPECT_EQ(policy.words().guests.at("w*").priority, 7);
    EXPECT_EQ(policy.words().cgroups.at("/machine.slice/*").mode, Mode::observe);
    fs::remove(file);
    policy.refresh(now_ms);
    EXPECT_TRUE(policy.words().cgroups.empty());
}

TEST_F(RunTimePolicyTest, GuestsMayBeInGroupsOfTheConfigurationInNewOnesAndInNone) {
    host.groups["db"];
    say("[guest.web]\ngroup = \"db\"\n[guest.mail]\ngroup = \"new\"\n[guest.lone]\ngroup = \"\"\n"
        "[group.new]\narrangement = \"apart\"\n[group.db]\npriority = 3\n");
    policy.refresh(now_ms);
    EXPECT_EQ(policy.problem(), "");
    const RunTimeOverrides& words = policy.words();
    EXPECT_EQ(words.guests.at("web").group, "db");
    EXPECT_EQ(words.guests.at("mail").group, "new");
    EXPECT_EQ(words.guests.at("lone").group, "");
    EXPECT_EQ(words.groups.at("new").arrangement, Arrangement::apart);
    EXPECT_EQ(words.groups.at("db").arrangement, std::nullopt) << "the configuration's stays";
    EXPECT_EQ(words.groups.at("db").members.priority, 3);
    say("[guest.web]\npriority = 1\n");
    policy.refresh(now_ms);
    EXPECT_TRUE(policy.words().groups.empty());
}

TEST_F(RunTimePolicyTest, DefaultsOfAllGuestsMayBeSet) {
    say("[policy]\nmode = \"observe\"\npriority = 3\n");
    policy.refresh(now_ms);
    EXPECT_EQ(policy.problem(), "");
    EXPECT_EQ(policy.words().defaults.mode, Mode::observe);
    EXPECT_EQ(policy.words().defaults.priority, 3);
}

TEST_F(RunTimePolicyTest, ASectionEndsWithoutAChangeOfTheFile) {
    say("[guest.web]\npriority = 7\nuntil = 1970-01-01T01:16:41Z\n"  // 4601 s after 1970
        "[policy]\npriority = 1\nuntil = 4_602_000\n");
    policy.refresh(now_ms);
    EXPECT_EQ(policy.problem(), "");
    EXPECT_EQ(policy.until(), (std::map<std::string, std::int64_t>{{"guest.web", 4'601'000},
                                                                   {"policy", 4'602'000}}));
    EXPECT_EQ(priority(), 7);
    policy.refresh(4'600'999);
    EXPECT_EQ(priority(), 7);
    policy.refresh(4'601'000);
    EXPECT_EQ(priority(), std::nullopt);
    EXPECT_EQ(policy.words().defaults.priority, 1);
    EXPECT_EQ(policy.until().size(), 1U);
    policy.refresh(4'602'000);
    EXPECT_EQ(policy.words(), RunTimeOverrides());
}

TEST_F(RunTimePolicyTest, TheEndOfASectionHasAnOffset) {
    for (const char* until : {"1970-01-01T02:00:01+02:00", "1969-12-31T23:00:01-01:00",
                              "1970-01-01T00:00:01.000Z", "1000"}) {
        say(std::string("[guest.web]\npriority = 7\nuntil = ") + until + "\n");
        policy.refresh(0);
        EXPECT_EQ(policy.problem(), "");
        EXPECT_EQ(policy.until().at("guest.web"), 1000) << until;
    }
    for (const char* until : {"1970-01-01T02:00:01", "-1", "\"1h\"", "1960-01-01T00:00:00Z"}) {
        say(std::string("[guest.web]\npriority = 7\nuntil = ") + until + "\n");
        policy.refresh(0);
        EXPECT_NE(policy.problem(), "") << until;
    }
}

TEST_F(RunTimePolicyTest, AGroupThatHasEndedStaysAnEmptyOneForItsMembers) {
    say("[guest.web]\ngroup = \"a\"\n[group.a]\narrangement = \"apart\"\nuntil = 2000000\n"
        "[group.b]\npriority = 1\nuntil = 2000000\n");
    policy.refresh(now_ms);
    ASSERT_EQ(policy.problem(), "");
    EXPECT_EQ(policy.words().groups.at("a").arrangement, Arrangement::apart);
    policy.refresh(2'000'000);
    EXPECT_EQ(policy.words().groups.at("a"), GroupOverrides());
    EXPECT_FALSE(policy.words().groups.contains("b"));
}

}  // namespace
}  // namespace vnuma
