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
        EXPECT_EQ(priority(), 7);
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
    EXPECT_EQ(policy.problem(), file + ": may be written by others than its owner");
    EXPECT_EQ(priority(), std::nullopt);
    fs::permissions(file, fs::perms::others_write, fs::perm_options::remove);
    policy.refresh();
    EXPECT_EQ(priority(), 7);
}

TEST_F(RunTimePolicyTest, OnlyARegularFileIsRead) {
    fs::create_directory(file);
    policy.refresh();
    EXPECT_EQ(policy.problem(), file + ": is no regular file");
}

TEST_F(RunTimePolicyTest, AFileOfMoreThanOneMebibyteIsNotInForce) {
    say("[guest.web]\npriority = 7\n" + std::string(max_text_bytes, '#') + "\n");
    policy.refresh();
    EXPECT_EQ(policy.problem(), file + ": is larger than 1 MiB");
    EXPECT_EQ(priority(), std::nullopt);
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
