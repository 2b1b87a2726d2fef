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
    HostPolicy host;
    RunTimePolicy policy{file, host};
};

TEST_F(RunTimePolicyTest, NoFileSaysNothing) {
    policy.refresh();
    EXPECT_EQ(policy.words(), RunTimeOverrides{});
    EXPECT_EQ(policy.problem(), "");
}

TEST_F(RunTimePolicyTest, AFileIsInForceUntilItIsGone) {
    say("[guest.web]\npriority = 7\n");
    policy.refresh();
    EXPECT_EQ(priority(), 7);
    say("[guest.web]\npriority = 8\n");
    policy.refresh();
    EXPECT_EQ(priority(), 8);
    fs::remove(file);
    policy.refresh();
    EXPECT_EQ(priority(), std::nullopt);
}

TEST_F(RunTimePolicyTest, AMistakeIsToldAndWhatWasSaidBeforeStays) {
    say("[guest.web]\npriority = 7\n");
    policy.refresh();
    for (const auto& [content, problem] : std::map<std::string, std::string>{
             {"[guest.web]\npriority = 1000\n", ":2: guest.web.priority: "},
             {"[guest.web]\ngroup = \"db\"\n", ":2: guest.web.group: there is no section"},
             {"[policy]\npriority = 8\n", ":1: policy: unknown key"},
             {"[guest.web\n", ":1: "}}) {
        say(content);
        policy.refresh();
        EXPECT_EQ(policy.problem().find(file + problem), 0U) << policy.problem();
        EXPECT_TRUE(policy.problem().ends_with("\nthe previous policy stays in force"));
        EXPECT_EQ(priority(), 7);
        EXPECT_TRUE(policy.limits().empty());
        policy.refresh();
        EXPECT_NE(policy.problem(), "") << "it is still wrong";
    }
    say("[guest.web]\npriority = 9\n");
    policy.refresh();
    EXPECT_EQ(policy.problem(), "");
    EXPECT_EQ(priority(), 9);
}

TEST_F(RunTimePolicyTest, WhatOthersMayWriteIsNotInForce) {
    say("[guest.web]\npriority = 7\n");
    fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
    policy.refresh();
    EXPECT_EQ(first_problem(), file + ": may be written by others than its owner");
    EXPECT_EQ(priority(), std::nullopt);
    fs::permissions(file, fs::perms::others_write, fs::perm_options::remove);
    policy.refresh();
    EXPECT_EQ(priority(), 7);
}

TEST_F(RunTimePolicyTest, AFileThatCannotBeUsedAtTheStartLimitsAllGuestsUntilItIsUsedOrRemoved) {
    const auto is_limited = [this] {
        policy.refresh();
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
    policy.refresh();
    EXPECT_FALSE(policy.limits().empty());
    fs::remove(file);
    policy.refresh();
    EXPECT_TRUE(policy.limits().empty());
    say("[guest.web\n");
    policy.refresh();
    EXPECT_TRUE(policy.limits().empty()) << "there was no policy, and that stays in force";
    EXPECT_NE(policy.problem(), "");
}

TEST_F(RunTimePolicyTest, OnlyARegularFileIsRead) {
    fs::create_directory(file);
    policy.refresh();
    EXPECT_EQ(first_problem(), file + ": is no regular file");
}

TEST_F(RunTimePolicyTest, AFileOfMoreThanOneMebibyteIsNotInForce) {
    say("[guest.web]\npriority = 7\n" + std::string(max_text_bytes, '#') + "\n");
    policy.refresh();
    EXPECT_EQ(first_problem(), file + ": is larger than 1 MiB");
    EXPECT_EQ(priority(), std::nullopt);
}

TEST_F(RunTimePolicyTest, UuidsPatternsAndControlGroupsAreAsInTheConfiguration) {
    say("[guest.ABCDEF012345467889ABCDEFABCDEF01]\nmode = \"off\"\n[guest.\"w*\"]\npriority = 7\n"
        "[cgroup.\"/machine.slice/*\"]\nmode = \"observe\"\n");
    policy.refresh();
    EXPECT_EQ(policy.problem(), "");
    EXPECT_EQ(policy.words().guests.at("abcdef01-2345-4678-89ab-cdefabcdef01").mode, Mode::off);
    EXPECT_EQ(policy.words().guests.at("w*").priority, 7);
    EXPECT_EQ(policy.words().cgroups.at("/machine.slice/*").mode, Mode::observe);
    fs::remove(file);
    policy.refresh();
    EXPECT_TRUE(policy.words().cgroups.empty());
}

TEST_F(RunTimePolicyTest, GuestsMayBeInGroupsOfTheConfigurationInNewOnesAndInNone) {
    host.groups["db"];
    say("[guest.web]\ngroup = \"db\"\n[guest.mail]\ngroup = \"new\"\n[guest.lone]\ngroup = \"\"\n"
        "[group.new]\narrangement = \"apart\"\n[group.db]\npriority = 3\n");
    policy.refresh();
    EXPECT_EQ(policy.problem(), "");
    const RunTimeOverrides& words = policy.words();
    EXPECT_EQ(words.guests.at("web").group, "db");
    EXPECT_EQ(words.guests.at("mail").group, "new");
    EXPECT_EQ(words.guests.at("lone").group, "");
    EXPECT_EQ(words.groups.at("new").arrangement, Arrangement::apart);
    EXPECT_EQ(words.groups.at("db").arrangement, std::nullopt) << "the configuration's stays";
    EXPECT_EQ(words.groups.at("db").members.priority, 3);
    say("[guest.web]\npriority = 1\n");
    policy.refresh();
    EXPECT_TRUE(policy.words().groups.empty());
}

}  // namespace
}  // namespace vnuma
