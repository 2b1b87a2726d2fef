// Changes to recordings, and what is refused.
#include "src/ctl/whatif/changes.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "src/ctl/whatif/more_nodes.hpp"
#include "src/ctl/whatif/whatif.hpp"
#include "src/record/record_reader.hpp"
#include "tests/src/record/records.hpp"
#include "tests/temporary.hpp"

namespace vnuma::ctl {
namespace {

using namespace vnuma::test;

std::string problem_of(const std::string& setting) {
    try {
        Changes({setting}, 0, {});
    } catch (const ChangeError& error) {
        return error.what();
    }
    return "";
}

TEST(ChangesTest, HasEveryKeyThatARecordHas) {
    const std::vector<std::string> keys = keys_of_settings();
    for (const char* key :
         {"planner.horizon", "planner.margin", "planner.cool_down", "planner.imbalance",
          "planner.changes_per_hour", "memory.rate", "memory.watermark", "mode"})
        EXPECT_NE(std::find(keys.begin(), keys.end(), key), keys.end()) << key;
}

TEST(ChangesTest, TakesValuesWithAndWithoutQuotes) {
    Changes changes({"planner.margin=0.2", "planner.horizon=90s", "memory.rate=\"64M\""}, 0, {});
    const Record record = changes.apply(records_of_small_host().front());
    EXPECT_EQ(record.settings.margin, 200);
    EXPECT_EQ(record.settings.horizon, 90'000);
    EXPECT_EQ(record.settings.pace, 64 * mib);
    EXPECT_EQ(changes.to_text(), "planner.margin=0.2, planner.horizon=90s, memory.rate=\"64M\"");
}

TEST(ChangesTest, LeavesAllOtherSettingsAsRecorded) {
    Record record = records_of_small_host().front();
    record.settings.horizon = 12'345;
    EXPECT_EQ(Changes({"planner.margin=0.2"}, 0, {}).apply(record).settings.horizon, 12'345);
}

TEST(ChangesTest, SetsTheModeOfAllGuestsThatAreNotOff) {
    Record record = records_of_small_host().front();
    record.snapshot.guests[0].policy.mode = Mode::off;
    record.snapshot.guests[1].policy.mode = Mode::observe;
    const Record changed = Changes({"mode=act"}, 0, {}).apply(record);
    EXPECT_EQ(changed.snapshot.guests[0].policy.mode, Mode::off);
    EXPECT_EQ(changed.snapshot.guests[1].policy.mode, Mode::act);
}

TEST(ChangesTest, RefusesWhatIsNoSetting) {
    EXPECT_NE(problem_of("planner.margin").find("must be KEY=VALUE"), std::string::npos);
    EXPECT_NE(problem_of("=1").find("must be KEY=VALUE"), std::string::npos);
    EXPECT_NE(problem_of("planner.margins=1").find("unknown key"), std::string::npos);
    EXPECT_NE(problem_of("interval=1s").find("changes no plan"), std::string::npos);
    EXPECT_FALSE(problem_of("planner.margin=7").empty());
    EXPECT_FALSE(problem_of("planner.margin=").empty());
    EXPECT_FALSE(problem_of("planner.horizon=1ms").empty());
    EXPECT_FALSE(problem_of("planner.margin=0.2\nplanner.horizon=3").empty());
    EXPECT_TRUE(problem_of("planner.margin=0.2").empty());
}

TEST(ChangesTest, RefusesMoreNodesThanAHostHas) {
    EXPECT_THROW(Changes({}, -1, {}), ChangeError);
    EXPECT_THROW(Changes({}, 64, {}), ChangeError);
    Changes changes({}, 63, {});
    EXPECT_THROW(changes.apply(records_of_small_host().front()), ChangeError);
}

TEST(ChangesTest, FindsGuestsByNameAndUuidAndNamesThoseItDoesNotFind) {
    Changes changes({}, 0, {"web", "uuid-database", "nobody"});
    const Record record = records_of_small_host().front();
    EXPECT_EQ(changes.apply(record).snapshot.guests.size(), record.snapshot.guests.size() - 2);
    EXPECT_EQ(changes.unknown_guests(), std::vector<std::string>{"nobody"});
}

TEST(MoreNodesTest, GivesARecordThatCanBeReadAgain) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        Record record = RandomRecords(seed).make();
        add_node(record.snapshot);
        record.plan = plan(record.snapshot, record.history, record.settings);
        EXPECT_EQ(parse_record(to_line(record)), record) << "seed " << seed;
    }
}

TEST(MoreNodesTest, KeepsGuestsThatMayNotUseAllNodesWhereTheyMayBe) {
    Snapshot snapshot = records_of_small_host().front().snapshot;
    snapshot.guests[0].cells[0].allowed.erase(NodeIndex(1));
    add_node(snapshot);
    EXPECT_FALSE(snapshot.guests[0].cells[0].allowed.contains(NodeIndex(2)));
    EXPECT_TRUE(snapshot.guests[1].cells[0].allowed.contains(NodeIndex(2)));
    EXPECT_EQ(snapshot.topology.nodes[2].id, 2);
    EXPECT_EQ(snapshot.topology.distances[2], (std::vector<int>{21, 21, 10}));
}

class WhatIfCommandTest : public ::testing::Test {
  protected:
    WhatIfCommandTest() {
        std::string lines;
        for (const Record& record : records_of_small_host())
            lines += to_line(record) + "\n";
        directory.write("good", lines);
        directory.write("bad", "{}\n");
        directory.write("empty", "");
    }
    int whatif(const std::string& file, std::vector<std::string> settings,
               std::vector<std::string> without = {}) {
        return run_whatif(context,
                          {directory.path(file), std::move(settings), 0, std::move(without)});
    }

    TemporaryDirectory directory;
    Context context;
};

TEST_F(WhatIfCommandTest, RefusesBadFilesKeysAndNames) {
    const std::vector<std::string> margin{"planner.margin=0.2"};
    EXPECT_EQ(whatif("good", margin), exit_done);
    EXPECT_THROW(whatif("good", {}), UsageError);
    EXPECT_THROW(whatif("good", {"planner.margin=x"}), UsageError);
    EXPECT_THROW(whatif("good", {}, {"nobody"}), UsageError);
    EXPECT_THROW(whatif("bad", margin), RecordingError);
    EXPECT_THROW(whatif("empty", margin), RecordingError);
    EXPECT_THROW(whatif("none", margin), RecordingError);
}

TEST_F(WhatIfCommandTest, ReplaysAsVnumadDoes) {
    EXPECT_EQ(run_replay(context, directory.path("good")), exit_done);
    EXPECT_THROW(run_replay(context, directory.path("bad")), RecordingError);
    EXPECT_THROW(run_replay(context, directory.path("none")), RecordingError);
}

TEST_F(WhatIfCommandTest, ReplayTellsDifferencesAsJson) {
    std::vector<Record> records = records_of_small_host();
    records.resize(2);
    records[1].plan.verdicts.clear();
    directory.write("other", to_line(records[0]) + "\n" + to_line(records[1]) + "\n");
    context.options.json = true;
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(run_replay(context, directory.path("other")), exit_plans_differ);
    const auto json = nlohmann::json::parse(::testing::internal::GetCapturedStdout());
    EXPECT_EQ(json.at("plans"), 2);
    EXPECT_EQ(json.at("different"), 1);
    EXPECT_EQ(json.at("differences").size(), 1u);
    EXPECT_EQ(json.at("differences")[0].at("time_ms"), records[1].snapshot.now);
}

}  // namespace
}  // namespace vnuma::ctl
