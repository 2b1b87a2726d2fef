#include "src/control/orders/policy_editor.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "src/config/run_time_policy.hpp"
#include "tests/temporary.hpp"

namespace vnuma::control {
namespace {

namespace fs = std::filesystem;
using Kind = PolicySection::Kind;

constexpr std::int64_t now = 1'000'000;
const PolicySection web{Kind::guest, "web1"};

class PolicyEditorTest : public ::testing::Test {
  protected:
    std::string text() const {
        if (!fs::is_regular_file(file)) return "";
        std::ifstream in(file);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    // As the loop reads it.
    RunTimeOverrides read(std::int64_t time = now) const {
        RunTimePolicy policy(file, host);
        policy.refresh(time);
        EXPECT_EQ(policy.problem(), "");
        return policy.words();
    }
    static std::string refusal(const PolicyEditor::Result& result) {
        const auto* refused = std::get_if<Refused>(&result);
        return refused ? refused->description : "";
    }

    const test::TemporaryDirectory directory;
    const std::string file = directory.path("policy.toml");
    HostPolicy host;
    PolicyEditor editor{file, host};
};

TEST_F(PolicyEditorTest, WhatIsSetIsInTheFileThatTheLoopReads) {
    EXPECT_EQ(refusal(editor.set(web, {{"mode", "off"}}, 5000, now)), "");
    EXPECT_EQ(refusal(editor.set({}, {{"priority", "3"}}, std::nullopt, now)), "");
    EXPECT_EQ(read().guests.at("web1").mode, Mode::off);
    EXPECT_EQ(read().defaults.priority, 3);
    EXPECT_TRUE(read(now + 5000).guests.empty()) << "it has ended";
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()), 1)
        << "no temporary file is left";
}

TEST_F(PolicyEditorTest, SectionsThatHaveEndedAreNotWrittenAgain) {
    EXPECT_EQ(refusal(editor.set(web, {{"mode", "off"}}, 5000, now)), "");
    EXPECT_EQ(refusal(editor.set({}, {{"priority", "3"}}, std::nullopt, now + 5000)), "");
    EXPECT_EQ(text().find("web1"), std::string::npos) << text();
}

TEST_F(PolicyEditorTest, OtherSectionsOfTheFileStay) {
    directory.write(
        "policy.toml",
        "# a comment\n[cgroup.'/a\\x2db/*']\nmode = \"observe\"\n[guest.\"a.b\"]\n"
        "home = \"1,0\"\nuntil = 2026-12-01T14:30:00.5Z\n[group.empty]\n[guest.none]\n");
    const RunTimeOverrides before = read();
    EXPECT_EQ(refusal(editor.set(web, {{"mode", "off"}}, std::nullopt, now)), "");
    EXPECT_NE(text().find("until = 2026-12-01T14:30:00.500Z"), std::string::npos) << text();
    EXPECT_EQ(refusal(editor.unset(web, {}, now)), "");
    EXPECT_EQ(read(), before);
}

TEST_F(PolicyEditorTest, AFileThatTheLoopWouldNotTakeIsNotOverwritten) {
    const auto refuses = [&](const std::string& why) {
        const std::string before = text();
        const std::string refused = refusal(editor.set(web, {{"mode", "off"}}, std::nullopt, now));
        EXPECT_NE(refused.find(why), std::string::npos) << refused;
        EXPECT_EQ(text(), before);
    };
    directory.write("policy.toml", "[guest.web\n");
    refuses("policy.toml:1: ");
    directory.write("policy.toml", "[guest.web]\nmode = \"of\"\n");
    refuses("guest.web.mode: must be one of");
    directory.write("policy.toml", "[guest.web]\nmode = \"off\"\n");
    fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
    refuses("may be written by others than its owner");
    fs::remove(file);
    directory.write("elsewhere.toml", "");
    directory.link("elsewhere.toml", "policy.toml");
    refuses("is a symbolic link");
    fs::remove(file);
    fs::create_directory(file);
    refuses("is no regular file");
}

TEST_F(PolicyEditorTest, WithoutAFileInTheConfigurationThereIsNothingToSet) {
    PolicyEditor none("", host);
    EXPECT_NE(refusal(none.set(web, {{"mode", "off"}}, std::nullopt, now)), "");
}

TEST_F(PolicyEditorTest, ADirectoryThatIsMissingIsToldAndHarmsNothing) {
    PolicyEditor lost(directory.path("missing/policy.toml"), host);
    EXPECT_NE(refusal(lost.set(web, {{"mode", "off"}}, std::nullopt, now)).find("No such file"),
              std::string::npos);
}

// ---- properties

class RandomSettings {
  public:
    explicit RandomSettings(unsigned seed) : random_(seed) {}

    PolicySection section() {
        static const std::vector<std::string> names{
            "web1", "a.b",  "",     "ü\"\\",
            "w*",   "x\ny", "\xff", "abcdef01-2345-4678-89ab-cdefabcdef01"};
        switch (below(4)) {
            case 0:
                return {};
            case 1:
                return {Kind::guest, names[below(names.size())]};
            case 2:
                return {Kind::cgroup, "/" + names[below(names.size())]};
            default:
                return {Kind::group, below(2) ? "web" : "db"};
        }
    }
    std::vector<Setting> settings() {
        static const std::vector<std::string> keys{"mode",     "home",  "nodes",       "memory",
                                                   "priority", "group", "arrangement", "until"};
        static const std::vector<std::string> values{
            "off",  "act", "0", "1,0",   "0-1", "lazy", "10",
            "-200", "web", "",  "apart", "\"",  "\xff", "99999999999999999999"};
        std::vector<Setting> settings;
        for (std::size_t count = 1 + below(3); count > 0; --count)
            settings.push_back({keys[below(keys.size())], values[below(values.size())]});
        return settings;
    }
    std::optional<std::int64_t> time() {
        return below(2) ? std::nullopt : std::optional<std::int64_t>(1 + below(100'000));
    }
    std::size_t below(std::size_t limit) { return random_() % limit; }

  private:
    std::mt19937 random_;
};

TEST_F(PolicyEditorTest, RandomSettingsNeverLeaveAFileThatCannotBeRead) {
    RandomSettings random(8);
    int done = 0;
    std::int64_t time = now;
    for (int i = 0; i < 2000; ++i) {
        time += static_cast<std::int64_t>(random.below(20'000));
        const auto result = random.below(4) == 0 ? editor.unset(random.section(), {}, time)
                                                 : editor.set(random.section(), random.settings(),
                                                              random.time(), time);
        const auto* policy = std::get_if<config_text::RunTimeSections>(&result);
        done += policy ? 1 : 0;
        if (!policy && !fs::exists(file)) continue;
        const RunTimeOverrides words = read(time);
        if (policy) {
            ASSERT_EQ(words, policy->overrides) << text();
        }
    }
    EXPECT_GT(done, 50);
}

TEST_F(PolicyEditorTest, SetThenUnsetGivesTheSamePolicy) {
    RandomSettings random(9);
    EXPECT_EQ(refusal(editor.set({Kind::group, "web"}, {{"priority", "1"}}, std::nullopt, now)),
              "");
    EXPECT_EQ(refusal(editor.set({Kind::guest, "other"}, {{"group", "web"}}, 500, now)), "");
    int done = 0;
    for (int i = 0; i < 2000; ++i) {
        const PolicySection section = random.section();
        if (section == PolicySection{Kind::group, "web"}) continue;
        const RunTimeOverrides before = read();
        const auto set = editor.set(section, random.settings(), random.time(), now);
        if (std::holds_alternative<Refused>(set)) {
            ASSERT_EQ(read(), before);
            continue;
        }
        ++done;
        ASSERT_EQ(refusal(editor.unset(section, {}, now)), "");
        ASSERT_EQ(read(), before) << text();
    }
    EXPECT_GT(done, 50);
}

}  // namespace
}  // namespace vnuma::control
