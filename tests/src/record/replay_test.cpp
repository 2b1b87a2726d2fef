// Replays of recordings.
#include "src/record/replay.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "src/record/record_reader.hpp"
#include "tests/src/record/records.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using test::records_of_small_host;

std::string lines_of(const std::vector<Record>& records) {
    std::string lines;
    for (const Record& record : records)
        lines += to_line(record) + "\n";
    return lines;
}

class ReplayTest : public ::testing::Test {
  protected:
    Replayed replay_lines(const std::string& lines) {
        directory.write("recording", lines);
        return replay(file, out);
    }
    std::string error_of(const std::string& lines) {
        try {
            replay_lines(lines);
        } catch (const RecordingError& error) {
            return error.what();
        }
        return "";
    }

    test::TemporaryDirectory directory;
    std::string file = directory.path("recording");
    std::ostringstream out;
};

// If this fails because the planner is meant to plan otherwise now, make the recording anew
// (docs/recording.md).
TEST_F(ReplayTest, OfTheGoldenRecordingGivesTheSamePlans) {
    const std::string golden = VNUMA_GOLDEN "/recordings/two-nodes.jsonl";
    if (std::getenv("VNUMA_MAKE_RECORDINGS"))
        std::ofstream(golden) << lines_of(records_of_small_host());
    const Replayed done = replay(golden, out);
    EXPECT_EQ(done.plans, 12U);
    EXPECT_EQ(out.str(), "12 plans, 12 the same, 0 different\n");
}

TEST_F(ReplayTest, NamesEachTickThatDiffersAndHow) {
    std::vector<Record> records = records_of_small_host();
    records.resize(2);
    for (Verdict& verdict : records[1].plan.verdicts)
        if (verdict.key.uuid == "uuid-database") verdict = {verdict.key, Reason::no_room};
    const Replayed done = replay_lines(lines_of(records));
    EXPECT_EQ(done.plans, 2U);
    EXPECT_EQ(done.different, 1U);
    EXPECT_EQ(
        out.str().find(
            "tick at 4000 ms: \"database\" cell 0: recorded \"the cell has no home because no "
            "node it may use has room for its memory\", planned now \"the cell is at "
            "home on "),
        0U)
        << out.str();
    EXPECT_NE(out.str().find("\n2 plans, 1 the same, 1 different\n"), std::string::npos)
        << out.str();
}

TEST_F(ReplayTest, ShowsAllNumbersWhereTheSentencesAreEqual) {
    Record record = records_of_small_host().back();
    const Plan now = record.plan;
    for (Verdict& verdict : record.plan.verdicts)
        if (verdict.reason == Reason::settled) verdict.home->to_move = 1;
    EXPECT_NE(find_difference(record, now).find("\\\"to_move_bytes\\\":1,"), std::string::npos)
        << find_difference(record, now);
}

TEST_F(ReplayTest, NamesVerdictsThatOnlyOnePlanHas) {
    Record record = records_of_small_host().front();
    const Plan now = record.plan;
    record.plan.verdicts.erase(record.plan.verdicts.begin(), record.plan.verdicts.begin() + 2);
    const std::string difference = find_difference(record, now);
    EXPECT_NE(difference.find("recorded \"no verdict\""), std::string::npos) << difference;
    EXPECT_NE(difference.find(" (and 1 more)"), std::string::npos) << difference;
    const Plan empty;
    EXPECT_NE(find_difference(record, empty).find("planned now \"no verdict\""), std::string::npos);
}

TEST_F(ReplayTest, FindsADifferenceInActionsAlone) {
    Record record = records_of_small_host().front();
    const Plan now = record.plan;
    ASSERT_GE(now.actions.size(), 2U);
    record.plan.actions.pop_back();
    const std::string count = std::to_string(now.actions.size() - 1);
    EXPECT_NE(find_difference(record, now).find("from number " + count + " on: recorded " + count),
              std::string::npos)
        << find_difference(record, now);
    record.plan.actions = now.actions;
    record.plan.advised.clear();
    EXPECT_NE(find_difference(record, now).find("the advised actions differ from number 0 on"),
              std::string::npos)
        << find_difference(record, now);
}

TEST_F(ReplayTest, NamesFileLineAndPathOfWhatCannotBeRead) {
    const std::string line = to_line(records_of_small_host().front()) + "\n";
    EXPECT_EQ(error_of(line + "{\"version\":" + std::to_string(record_version) + "}\n"),
              file + ":2: settings: is missing");
    EXPECT_EQ(error_of(line + line + "{"), file + ":3: is not JSON: error at byte 2");
    EXPECT_EQ(error_of("\n"), file + ":1: is not JSON: error at byte 1");
    EXPECT_EQ(error_of(std::string(max_record_bytes + 10, ' ')),
              file + ":1: has more than 16777216 bytes");
    EXPECT_EQ(error_of(line), "");
    EXPECT_EQ(error_of(line.substr(0, line.size() - 1)), "") << "the last newline may be missing";
}

TEST_F(ReplayTest, OfAnEmptyFileHasNoPlans) {
    EXPECT_EQ(replay_lines("").plans, 0U);
    EXPECT_EQ(out.str(), "0 plans, 0 the same, 0 different\n");
}

TEST_F(ReplayTest, OfAMissingFileOrADirectoryIsAnError) {
    EXPECT_THROW(replay(directory.path("none"), out), RecordingError);
    EXPECT_THROW(replay(directory.path(), out), RecordingError);
}

TEST_F(ReplayTest, KeepsNamesOfGuestsOnTheirLine) {
    Record record = records_of_small_host().front();
    record.snapshot.guests[0].name = "a\nb\x1b[2J";
    const Plan now = record.plan;
    record.plan.verdicts.clear();
    for (const char byte : find_difference(record, now))
        EXPECT_GE(byte, ' ');
}

}  // namespace
}  // namespace vnuma
