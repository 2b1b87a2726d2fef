// What the control socket answers from a tick, and what becomes of orders.
#include "src/control/dispatch.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "src/control/protocol/json.hpp"
#include "src/state_directory.hpp"
#include "tests/src/control/queries/made_up_tick.hpp"
#include "tests/temporary.hpp"

namespace vnuma::control {
namespace {

using nlohmann::json;
using test::MadeUpTick;
using test::tick_of_web1;
using test::web1_uuid;

Config config_in(const std::string& directory) {
    Config config;
    config.state_directory = directory;
    config.run_time_policy = directory + "/policy.toml";
    return config;
}

class DispatchTest : public ::testing::Test {
  protected:
    Reply ask(const std::string& command, const json& arguments = json::object()) {
        return dispatch.handle(*find_command(command), arguments, {0, 0, 1, true});
    }
    // Null if the command is refused.
    JsonOut value(const std::string& command, const json& arguments = json::object()) {
        Reply reply = ask(command, arguments);
        if (auto* refused = std::get_if<Refused>(&reply)) {
            ADD_FAILURE() << command << ": " << refused->description;
            return nullptr;
        }
        return std::get<JsonOut>(std::move(reply));
    }
    // Empty if the command is not refused.
    Refused refusal(const std::string& command, const json& arguments = json::object()) {
        Reply reply = ask(command, arguments);
        const auto* refused = std::get_if<Refused>(&reply);
        return refused ? *refused : Refused{"", ""};
    }
    void see(const MadeUpTick& made) { dispatch.set_tick(std::make_shared<const Tick>(made.tick)); }
    std::string text_of_policy() const {
        std::ifstream in(config.run_time_policy);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    const test::TemporaryDirectory directory;
    const Config config = config_in(directory.path());
    Orders orders;
    Dispatch dispatch{Dispatch::Parts{config, "1.2.3", Freeze(directory.path()), orders, nullptr}};
};

TEST_F(DispatchTest, HasAnAnswerToEveryCommandButTheServersOwn) {
    for (const Command& command : commands())
        EXPECT_EQ(Dispatch::answers(command.name), std::string(command.name) != "set-events")
            << command.name;
    EXPECT_FALSE(Dispatch::answers("query-"));
}

TEST_F(DispatchTest, BeforeTheFirstTickQueriesAboutGuestsAreRefusedAndTheOthersAnswered) {
    for (const char* query : {"query-status", "query-policy", "query-report", "query-metrics",
                              "query-commands", "query-schema"})
        EXPECT_FALSE(value(query).is_null()) << query;
    for (const char* query : {"query-guests", "query-groups", "query-record"})
        EXPECT_STREQ(refusal(query).error_class, is_blind) << query;
    for (const char* query : {"query-guest", "query-explanation", "query-heat-map"})
        EXPECT_STREQ(refusal(query, {{"guest", "web1"}}).error_class, is_blind) << query;
    for (const char* query : {"query-events", "query-history"})
        EXPECT_STREQ(refusal(query).error_class, was_refused) << query << ": no history is kept";
}

TEST_F(DispatchTest, AnswersEveryQueryAboutAGuestThatRuns) {
    MadeUpTick made = tick_of_web1();
    made.add_verdict(Reason::settled, 0);
    see(made);
    for (const char* query : {"query-status", "query-guests", "query-groups", "query-policy",
                              "query-report", "query-record", "query-metrics"})
        EXPECT_FALSE(value(query).is_null()) << query;
    for (const char* query : {"query-guest", "query-explanation", "query-heat-map", "query-policy"})
        EXPECT_FALSE(value(query, {{"guest", "web1"}}).is_null()) << query;
    EXPECT_THROW(ask("query-status", {{"colour", 1}}), FormatError);
    EXPECT_STREQ(refusal("query-guest", {{"guest", "web2"}}).error_class, guest_not_found);
}

TEST_F(DispatchTest, MetricsAreThoseOfTheTickAndSeriesOfAGuestEndWithIt) {
    MadeUpTick made = tick_of_web1();
    made.add_verdict(Reason::settled, 0);
    // Its process is new, and the kernel has not told where this vCPU runs.
    made.sample().cells[0].vcpus[1].last_cpu = -1;
    made.add_guest("without vCPUs", "9", {}, {});
    see(made);
    const std::string text = value("query-metrics").get<std::string>();
    const std::string labels = "{domain=\"web1\",uuid=\"" + std::string(web1_uuid) + "\"";
    for (const std::string& line :
         {"vnumad_domain_info" + labels +
              ",doing=\"at-home\",mode=\"act\",state=\"running\",source=\"libvirt\"} 1\n",
          "vnumad_cell_home_node" + labels + ",cell=\"0\"} 0\n",
          "vnumad_vcpu_node" + labels + ",vcpu=\"0\"} 0\n",
          "vnumad_domain_home_changes_total" + labels + "} 1\n"})
        EXPECT_NE(text.find(line), std::string::npos) << line << "is missing in\n" << text;
    EXPECT_EQ(text.find("vcpu=\"1\""), std::string::npos) << text;
    see(MadeUpTick());
    EXPECT_EQ(dispatch.metrics().find("domain="), std::string::npos) << dispatch.metrics();
}

TEST_F(DispatchTest, ThawEndsThatAGuestIsLeftAlone) {
    MadeUpTick made = tick_of_web1();
    made.tick.hands_off[web1_uuid].cpus = "root has ordered to restore it and leave it alone";
    see(made);
    const std::string file = hands_off_directory(config.state_directory) + "/" + web1_uuid;
    std::filesystem::create_directory(hands_off_directory(config.state_directory));
    std::ofstream(file).close();
    EXPECT_EQ(
        value("thaw")["what"],
        "vnumad is thawed: guests are balanced again; 1 guest stays left alone until vnumactl "
        "thaw GUEST");
    EXPECT_TRUE(std::filesystem::exists(file)) << "a thaw of all is about freeze alone";
    EXPECT_EQ(value("thaw", {{"guest", "web1"}})["what"],
              "vnumad does not leave web1 alone any more");
    EXPECT_FALSE(std::filesystem::exists(file));
}

// Whatever its run-time policy says: an emergency stop is not refused because of it.
TEST_F(DispatchTest, FreezeOfAGuestLeavesItAloneAsItIs) {
    see(tick_of_web1());
    const json settings = json::array({{{"key", "mode"}, {"value", "observe"}}});
    value("set-policy", {{"guest", "web1"}, {"settings", settings}, {"for_ms", 3'600'000}});
    const std::string policy = text_of_policy();
    EXPECT_EQ(value("freeze", {{"guest", "web1"}})["what"],
              "web1 is left alone from the next tick on, and its pins stay, until vnumactl thaw "
              "web1");
    const auto ordered = orders.take();
    ASSERT_EQ(ordered.size(), 1U);
    const auto& order = std::get<OrderedRestore>(ordered[0]);
    EXPECT_EQ(order.uuid, web1_uuid);
    EXPECT_TRUE(order.keeps_pins);
    EXPECT_EQ(text_of_policy(), policy);
    EXPECT_FALSE(Freeze(directory.path()).is_on());
    const Refused refused = refusal("thaw", {{"guest", "web1"}});
    EXPECT_STREQ(refused.error_class, was_refused);
    EXPECT_EQ(refused.description, "web1 is not left alone");
}

TEST_F(DispatchTest, OrdersAboutAGuestThatIsNotThereAreRefusedAndLeaveNothing) {
    see(tick_of_web1());
    for (const char* command : {"freeze", "thaw", "restore"}) {
        const Refused refused = refusal(command, {{"guest", "wbe1"}});
        EXPECT_STREQ(refused.error_class, guest_not_found) << command;
        EXPECT_NE(refused.description.find("web1"), std::string::npos) << refused.description;
    }
    EXPECT_TRUE(orders.take().empty());
    const json settings = json::array({{{"key", "mode"}, {"value", "observe"}}});
    for (const char* nobody : {"wbe1", "17"})
        EXPECT_STREQ(refusal("set-policy", {{"guest", nobody}, {"settings", settings}}).error_class,
                     guest_not_found)
            << nobody;
    EXPECT_EQ(text_of_policy(), "");
    EXPECT_STREQ(refusal("unset-policy", {{"guest", "wbe1"}}).error_class, guest_not_found);
    // A pattern, or a guest that is said not to run yet, is no mistake.
    value("set-policy", {{"guest", "w*"}, {"settings", settings}});
    value("set-policy", {{"guest", "web9"}, {"settings", settings}, {"absent", true}});
    value("unset-policy", {{"guest", "web9"}});
    EXPECT_NE(text_of_policy().find("w*"), std::string::npos);
    EXPECT_EQ(text_of_policy().find("web9"), std::string::npos);
}

TEST_F(DispatchTest, FreezeAndThawMakeAndRemoveTheFile) {
    const Freeze freeze(directory.path());
    value("freeze");
    EXPECT_TRUE(freeze.is_on());
    EXPECT_EQ(value("thaw")["what"], "vnumad is thawed: guests are balanced again");
    EXPECT_FALSE(freeze.is_on());
}

}  // namespace
}  // namespace vnuma::control
