#include "src/ctl/drop_in.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "src/config/config.hpp"
#include "src/ctl/context.hpp"
#include "tests/temporary.hpp"

namespace vnuma::ctl {
namespace {

std::string read(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

control::PolicyTarget guest(const std::string& name) {
    control::PolicyTarget target;
    target.guest = name;
    return target;
}

std::string failure_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Failed& error) {
        return error.what();
    }
    return "";
}

class PolicyDropInTest : public ::testing::Test {
  protected:
    const test::TemporaryDirectory directory_;
    const std::string main_ = directory_.path("vnumad.conf");
    PolicyDropIn drop_in_{main_};
};

TEST_F(PolicyDropInTest, IsMadeBesideTheConfigurationAndReadWithIt) {
    directory_.write("vnumad.conf", "mode = \"act\"\n");
    drop_in_.set(guest("web1"), {{"mode", "observe"}, {"priority", "-5"}});
    EXPECT_EQ(drop_in_.file(), main_ + ".d/50-vnumactl.conf");
    const Config config = load_config(main_);
    EXPECT_EQ(config.policy.guests.at("web1").mode, Mode::observe);
    EXPECT_EQ(config.policy.guests.at("web1").priority, -5);
    struct stat status {};
    ASSERT_EQ(::stat(drop_in_.file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0644u);
}

TEST_F(PolicyDropInTest, KeepsItsOtherValuesAndSections) {
    drop_in_.set(guest("web1"), {{"mode", "observe"}});
    drop_in_.set(guest("web1"), {{"home", "1"}});
    control::PolicyTarget group;
    group.group = "db";
    drop_in_.set(group, {{"arrangement", "apart"}});
    drop_in_.set({}, {{"memory", "eager"}});
    drop_in_.set(guest("a.b"), {{"group", "db"}});
    drop_in_.unset(guest("web1"), {"mode"});
    const Config config = parse_config(read(drop_in_.file()), "drop-in");
    EXPECT_EQ(config.policy.guests.at("web1").mode, std::nullopt);
    EXPECT_EQ(config.policy.guests.at("web1").home, std::vector<int>{1});
    EXPECT_EQ(config.policy.guests.at("a.b").group, "db");
    EXPECT_EQ(config.policy.groups.at("db").arrangement, Arrangement::apart);
    EXPECT_EQ(config.policy.defaults.memory, MemoryPolicy::eager);
}

TEST_F(PolicyDropInTest, MayNameGroupsOfTheConfiguration) {
    directory_.write("vnumad.conf", "[group.web]\n");
    drop_in_.set(guest("web1"), {{"group", "web"}});
    EXPECT_EQ(load_config(main_).policy.guests.at("web1").group, "web");
    EXPECT_NE(failure_of([&] { drop_in_.set(guest("web1"), {{"group", "none-such"}}); }), "");
    EXPECT_EQ(load_config(main_).policy.guests.at("web1").group, "web");
}

TEST_F(PolicyDropInTest, IsNotWrittenIfAnythingIsWrong) {
    EXPECT_NE(failure_of([&] { drop_in_.set(guest("web1"), {{"mode", "acto"}}); }), "");
    EXPECT_NE(failure_of([&] { drop_in_.set(guest("web1"), {{"colour", "red"}}); }), "");
    EXPECT_EQ(read(drop_in_.file()), "");
    directory_.write("vnumad.conf", "mode = 7\n");
    EXPECT_NE(failure_of([&] {
                  drop_in_.set(guest("web1"), {{"mode", "act"}});
              }).find(main_ + ":1: mode: must be"),
              std::string::npos);
    EXPECT_EQ(read(drop_in_.file()), "");
}

TEST_F(PolicyDropInTest, ThatThereIsNothingToUnsetIsToldApart) {
    EXPECT_THROW(drop_in_.unset(guest("web1"), {}), NotInDropIn);
    drop_in_.set(guest("web1"), {{"mode", "observe"}});
    EXPECT_THROW(drop_in_.unset(guest("web1"), {"home"}), NotInDropIn);
    EXPECT_THROW(drop_in_.unset(guest("web2"), {}), NotInDropIn);
    drop_in_.unset(guest("web1"), {});
    EXPECT_EQ(read(drop_in_.file()).find("web1"), std::string::npos);
}

TEST_F(PolicyDropInTest, WithOtherKeysItIsLeftAsItIs) {
    const std::string text = "[planner]\nmargin = 0.2\n";
    directory_.write("vnumad.conf.d/50-vnumactl.conf", text);
    EXPECT_NE(failure_of([&] { drop_in_.set(guest("web1"), {{"mode", "act"}}); }), "");
    EXPECT_EQ(read(drop_in_.file()), text);
}

}  // namespace
}  // namespace vnuma::ctl
