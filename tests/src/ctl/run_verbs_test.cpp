// Verbs from the command line to the output, with a daemon whose answers are given.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <sstream>

#include "src/control/protocol/json.hpp"
#include "src/ctl/verbs.hpp"
#include "tests/src/ctl/fake_server.hpp"
#include "tests/src/ctl/replies.hpp"

namespace vnuma::ctl {
namespace {

using nlohmann::json;
using test::FakeDaemon;

json refusal(const char* error_class, const char* description) {
    return {{"error", {{"class", error_class}, {"desc", description}}}};
}

template <typename T>
json as_json(const T& value) {
    return json(control::to_json(value));
}

json view_of_web1() {
    control::PolicyView view;
    view.target = "guest web1";
    view.values = {{"mode", "observe", "run-time", std::nullopt}};
    return as_json(view);
}

json explanation_of_web1() {
    control::Explanation explanation;
    explanation.name = "web1";
    explanation.uuid = test::web_guest().uuid;
    return as_json(explanation);
}

struct Ran {
    int status = -1;
    std::string output;
};

// Throws what main() reports. `printed`: what was printed until then.
Ran run(const FakeDaemon& daemon, std::vector<std::string> words, std::string* printed = nullptr) {
    CLI::App app;
    Context context;
    describe_command_line(app, context);
    words.insert(words.end(), {"-c", daemon.path()});
    std::reverse(words.begin(), words.end());
    app.parse(words);
    ::testing::internal::CaptureStdout();
    Ran ran;
    try {
        ran.status = context.run();
    } catch (...) {
        const std::string output = ::testing::internal::GetCapturedStdout();
        if (printed) *printed = output;
        throw;
    }
    ran.output = ::testing::internal::GetCapturedStdout();
    return ran;
}

template <typename Error>
std::string failure_of(const FakeDaemon& daemon, std::vector<std::string> words) {
    try {
        run(daemon, std::move(words));
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

std::string text_of(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

bool is_usage_error(const FakeDaemon& daemon, const std::vector<std::string>& words) {
    try {
        run(daemon, words);
    } catch (const UsageError&) {
        return true;
    } catch (const CLI::ParseError&) {
        return true;
    } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
    }
    return false;
}

TEST(RunVerbs, BadExpressionsAreUsageErrorsBeforeAnybodyIsAsked) {
    FakeDaemon daemon({});
    const std::vector<std::vector<std::string>> mistakes{
        {"lst"},
        {"show"},
        {"freeze", "a", "b"},
        {"group", "show"},
        {"completion", "fish"},
        {"list", "--sort", "colour"},
        {"list", "--watch", "0"},
        {"list", "--watch", "soon"},
        {"top", "--interval", "0"},
        {"top", "--interval", "x"},
        {"events", "--since", "never"},
        {"events", "--since", "2999-01-01"},
        {"explain", "web1", "--since", "1h30"},
        {"policy", "get", "a", "b"},
        {"policy", "set", "web1"},
        {"policy", "set", "web1", "mode"},
        {"policy", "set", "web1", "=act"},
        {"policy", "set", "web1", "mode=act", "--until", "0s"},
        {"policy", "set", "web1", "mode=act", "--until", "2h", "--persist"},
        {"policy", "set", "--group", "a", "--defaults", "mode=act"},
        {"policy", "unset"},
        {"policy", "unset", "web1", "mode=act"},
        {"move", "web1"},
        {"move", "web1", "x"},
        {"move", "web1", "1-"},
        {"move", "web1", "1,,2"},
        {"move", "web1", "9999999"},
        {"place", "--vcpus", "2"},
        {"place", "--vcpus", "0", "--memory", "4G"},
        {"place", "--vcpus", "2", "--memory", "0"},
        {"place", "--vcpus", "2", "--memory", "4X"},
        {"place", "--vcpus", "2", "--memory", "4G", "--cells", "0"},
        {"place", "--vcpus", "2", "--memory", "4G", "--nodes", "0-"},
        {"place", "--vcpus", "2", "--memory", "4G", "--hugepages", "2X"},
        {"place", "--vcpus", "2", "--memory", "4G", "--reserve", "soon"},
        {"record", "/dev/null", "--for", "soon"},
        {"plot", "--since", "never"},
        {"whatif", "/none"},
        {"whatif", "/none", "--set", "planner.margin"},
        {"whatif", "/none", "--set", "planner.margins=1"},
        {"whatif", "/none", "--add-node=1000"},
    };
    for (const auto& words : mistakes)
        EXPECT_TRUE(is_usage_error(daemon, words)) << testing::PrintToString(words);
    EXPECT_TRUE(daemon.requests("qmp_capabilities").empty());
}

TEST(RunVerbs, JsonIsTheReplyOfTheDaemon) {
    const json guests =
        as_json(std::vector<control::GuestSummary>{test::web_guest(), test::orders_guest()});
    FakeDaemon daemon({{"query-guests", guests}});
    const Ran ran = run(daemon, {"list", "--json"});
    EXPECT_EQ(ran.status, exit_done);
    EXPECT_EQ(json::parse(ran.output), json::array({guests[1], guests[0]})) << "sorted by name";
    const std::string table = run(daemon, {"list", "--sort", "cpu", "--no-headers"}).output;
    EXPECT_LT(table.find("orders-db"), table.find("web1"));
    EXPECT_EQ(table.find("NAME"), std::string::npos);
}

TEST(RunVerbs, AGuestThatEndedBetweenListAndCommandIsRefusedByName) {
    const json gone = refusal("GuestNotFound", "there is no guest web1");
    FakeDaemon daemon({{"query-guest", gone},
                       {"query-explanation", gone},
                       {"move", gone},
                       {"set-policy", gone},
                       {"freeze", gone},
                       {"restore", gone}});
    const std::vector<std::vector<std::string>> commands{
        {"show", "web1"},      {"explain", "web1"},
        {"move", "web1", "1"}, {"policy", "set", "web1", "home=1"},
        {"freeze", "web1"},    {"restore", "web1"}};
    for (const auto& words : commands)
        EXPECT_EQ(failure_of<ControlError>(daemon, words), "there is no guest web1") << words[0];
}

TEST(RunVerbs, WhatWasDoneToAGuestThatEndedIsStillTold) {
    const json gone = refusal("GuestNotFound", "there is no guest orders-db");
    FakeDaemon daemon({{"query-explanation", gone},
                       {"query-events", as_json(control::PastEvents{{test::a_happening()}, ""})}});
    const std::string output = run(daemon, {"explain", "orders-db", "--since", "1h"}).output;
    EXPECT_EQ(output.find("orders-db does not run any more.\n"), 0u) << output;
    EXPECT_NE(output.find("4 GiB have moved to node 1"), std::string::npos) << output;
    FakeDaemon other({{"query-explanation", gone}, {"query-events", {{"events", json::array()}}}});
    EXPECT_EQ(failure_of<ControlError>(other, {"explain", "orders-db", "--since", "1h"}),
              "there is no guest orders-db");
}

TEST(RunVerbs, WhatIsMissingOfThePastIsTold) {
    const json partly =
        as_json(control::PastEvents{{test::a_happening()}, "the file cannot be read"});
    FakeDaemon daemon({{"query-events", partly}, {"query-explanation", explanation_of_web1()}});
    const std::string note = "Not all that happened is known: the file cannot be read.\n";
    EXPECT_EQ(run(daemon, {"events"}).output.find(note), 0u);
    EXPECT_NE(run(daemon, {"explain", "web1", "--since", "1h"}).output.find(note),
              std::string::npos);
    FakeDaemon without({{"query-events", refusal("Refused", "no history is kept")},
                        {"query-explanation", explanation_of_web1()}});
    const Ran ran = run(without, {"explain", "web1", "--since", "1h"});
    EXPECT_EQ(ran.status, exit_done);
    EXPECT_EQ(ran.output.find("web1 ("), 0u) << ran.output;
    EXPECT_NE(ran.output.find("no history is kept"), std::string::npos) << ran.output;
    EXPECT_EQ(failure_of<ControlError>(without, {"events"}), "no history is kept");
}

json event(const char* name, json data) {
    return {{"event", name},
            {"data", std::move(data)},
            {"timestamp", {{"seconds", 1'000'000'000}, {"microseconds", 0}}}};
}

TEST(RunVerbs, EventsAreFollowedUntilVnumadEnds) {
    control::Happening known = test::a_happening();
    json data = as_json(known);
    for (const char* field : {"event", "time_ms"})
        data.erase(field);
    json other = data;
    other["text"] = "something else has happened";
    const char* const kind = name(known.kind);
    known.time_ms = 1'000'000'000'000;
    FakeDaemon daemon({{"query-events", as_json(control::PastEvents{{known}, ""})}},
                      {{"query-events", {event(kind, data), event(kind, other)}}});
    std::string printed;
    EXPECT_THROW(run(daemon, {"events", "--follow"}, &printed), ConnectionLost);
    const std::size_t first = printed.find(known.text);
    EXPECT_NE(first, std::string::npos) << printed;
    EXPECT_EQ(printed.find(known.text, first + 1), std::string::npos)
        << "it came as an event, too, and is told once\n"
        << printed;
    EXPECT_NE(printed.find("something else has happened"), std::string::npos) << printed;
}

TEST(RunVerbs, ARecordingWithGapsIsNoSuccess) {
    const test::TemporaryDirectory directory;
    const json plan{{"any", "plan"}};
    FakeDaemon daemon(
        {{"set-events", {{"what", "done"}}}},
        {{"set-events",
          {event("PLAN", plan), event("EVENTS_LOST", {{"count", 3}}), event("PLAN", plan)}}});
    const std::string file = directory.path("plans");
    EXPECT_THROW(run(daemon, {"record", file}), ConnectionLost) << "before ^C";
    EXPECT_EQ(text_of(file), plan.dump() + "\n" + plan.dump() + "\n");
}

TEST(RunVerbs, AMoveThatThePlannerObjectsToFailsAndForceIsNamed) {
    FakeDaemon daemon({{"move", {{"accepted", false}, {"opinion", "It costs more there."}}}});
    EXPECT_EQ(failure_of<Failed>(daemon, {"move", "web1", "1,0"}),
              "web1 is not moved: It costs more there. (--force moves it all the same, if it can "
              "be)");
    EXPECT_EQ(daemon.requests("move").at(0).at("home"), (std::vector<int>{1, 0}));
    EXPECT_EQ(run(daemon, {"move", "web1", "1", "--json"}).status, exit_failed);
    FakeDaemon willing({{"move", {{"accepted", true}, {"opinion", "It costs less there."}}}});
    EXPECT_EQ(run(willing, {"move", "web1", "1,0"}).output,
              "web1 moves to nodes 1,0. It costs less there.\n");
    EXPECT_EQ(run(willing, {"move", "web1", "1", "--quiet"}).output, "");
}

TEST(RunVerbs, APolicyIsSetWithItsEnd) {
    FakeDaemon daemon({{"set-policy", view_of_web1()}});
    run(daemon, {"policy", "set", "web1", "mode=observe", "--until", "2h"});
    const json asked = daemon.requests("set-policy").at(0);
    EXPECT_EQ(asked.at("guest"), "web1");
    EXPECT_EQ(asked.at("for_ms"), 7'200'000);
    EXPECT_EQ(asked.at("settings")[0].at("value"), "observe");
}

TEST(RunVerbs, ASettingIsNoGuest) {
    FakeDaemon daemon({});
    const auto refused = [&](std::vector<std::string> words) {
        return failure_of<UsageError>(daemon, std::move(words)).substr(0, 13);
    };
    EXPECT_EQ(refused({"policy", "set", "mode=act"}), "whose policy?");
    EXPECT_EQ(refused({"policy", "set", "mode=act", "home=1"}), "whose policy?");
    EXPECT_TRUE(daemon.requests("set-policy").empty());
}

class PersistTest : public ::testing::Test {
  protected:
    std::vector<std::string> policy(std::vector<std::string> words) const {
        words.insert(words.begin(), "policy");
        words.insert(words.end(), {"--persist", "--config", main_});
        return words;
    }

    const test::TemporaryDirectory directory_;
    const std::string main_ = directory_.path("vnumad.conf");
    const std::string drop_in_ = main_ + ".d/50-vnumactl.conf";
};

TEST_F(PersistTest, IsWrittenUnderTheNameOfTheGuest) {
    FakeDaemon daemon({{"set-policy", view_of_web1()}});
    const Ran ran = run(daemon, policy({"set", "17", "mode=observe"}));
    EXPECT_NE(ran.output.find("Written to " + drop_in_), std::string::npos) << ran.output;
    EXPECT_NE(text_of(drop_in_).find("web1"), std::string::npos) << text_of(drop_in_);
}

TEST_F(PersistTest, JsonHasThePolicyAndTheFile) {
    FakeDaemon daemon({{"set-policy", view_of_web1()}, {"unset-policy", view_of_web1()}});
    const json set = json::parse(run(daemon, policy({"set", "web1", "home=1", "--json"})).output);
    EXPECT_EQ(set.at("file"), drop_in_);
    EXPECT_EQ(set.at("policy"), view_of_web1());
    run(daemon, policy({"unset", "web1", "--json"}));
    const json unset = json::parse(run(daemon, policy({"unset", "web1", "--json"})).output);
    EXPECT_TRUE(unset.at("file").is_null()) << "the file had nothing of it any more";
}

TEST_F(PersistTest, WhatTheDaemonRefusesIsNotWritten) {
    FakeDaemon daemon({{"set-policy", refusal("NotPermitted", "only root may")}});
    EXPECT_EQ(failure_of<ControlError>(daemon, policy({"set", "web1", "mode=act"})),
              "only root may");
    EXPECT_EQ(text_of(drop_in_), "");
}

TEST_F(PersistTest, UnsettingReachesTheFileAlsoAfterTheRunTimePolicyIsLost) {
    FakeDaemon daemon({{"set-policy", view_of_web1()},
                       {"query-policy", view_of_web1()},
                       {"unset-policy", refusal("Refused", "nothing is set at run time")}});
    run(daemon, policy({"set", "web1", "mode=observe"}));
    run(daemon, policy({"unset", "web1"}));
    EXPECT_EQ(text_of(drop_in_).find("web1"), std::string::npos) << text_of(drop_in_);
    EXPECT_NE(failure_of<Failed>(daemon, policy({"unset", "web1"})), "") << "there is nothing left";
}

TEST_F(PersistTest, WhatIsOnlySetAtRunTimeIsUnsetThere) {
    FakeDaemon daemon({{"unset-policy", view_of_web1()}});
    EXPECT_EQ(run(daemon, policy({"unset", "web1", "mode"})).status, exit_done);
}

TEST(RunVerbs, APlaceWithoutRoomFails) {
    control::PlaceReply reply;
    reply.why = "No node has room.";
    FakeDaemon daemon({{"place", as_json(reply)}});
    const std::vector<std::string> words{"place", "--vcpus",   "2",   "--memory", "4G", "--near",
                                         "eth0",  "--reserve", "30s", "--cells",  "2"};
    EXPECT_EQ(run(daemon, words).status, exit_failed);
    const json asked = daemon.requests("place").at(0);
    EXPECT_EQ(asked.at("memory_bytes"), std::int64_t{4} << 30);
    EXPECT_EQ(asked.at("near"), "eth0");
    EXPECT_EQ(asked.at("cells"), 2);
    EXPECT_EQ(asked.at("reserve_ms"), 30'000);
    std::vector<std::string> as_xml = words;
    as_xml.push_back("--xml");
    EXPECT_EQ(failure_of<Failed>(daemon, as_xml),
              "there is no place for the guest: No node has room.");
}

TEST(RunVerbs, AGroupThatIsMissingHasANearestName) {
    const std::vector<control::GroupView> groups{{"database", "apart", {}, {}}};
    FakeDaemon daemon({{"query-groups", as_json(groups)}});
    EXPECT_EQ(failure_of<Failed>(daemon, {"group", "show", "databse"}),
              "there is no group databse; did you mean \"database\"?");
    EXPECT_EQ(json::parse(run(daemon, {"group", "show", "database", "--json"}).output).at("name"),
              "database");
}

TEST(RunVerbs, MetricsAreWrittenToAFileInOneStep) {
    FakeDaemon daemon({{"query-metrics", json("vnuma_ticks_total 7\n")}});
    const test::TemporaryDirectory directory;
    EXPECT_EQ(run(daemon, {"metrics"}).output, "vnuma_ticks_total 7\n");
    run(daemon, {"metrics", "--output", directory.path("vnumad.prom")});
    EXPECT_EQ(text_of(directory.path("vnumad.prom")), "vnuma_ticks_total 7\n");
}

TEST(RunVerbs, AReplyOfAnotherKindIsAnErrorAndNoCrash) {
    FakeDaemon daemon({{"query-status", json::array()},
                       {"query-guests", {{"a", 1}}},
                       {"query-events", 7},
                       {"query-metrics", nullptr},
                       {"query-policy", "text"}});
    const std::vector<std::vector<std::string>> commands{
        {"status"}, {"list"}, {"events"}, {"policy", "get"}};
    for (const auto& words : commands)
        EXPECT_NE(failure_of<ConnectionLost>(daemon, words).find("another version"),
                  std::string::npos)
            << words[0];
    EXPECT_NE(failure_of<Failed>(daemon, {"metrics"}), "");
}

}  // namespace
}  // namespace vnuma::ctl
