// Records as lines of JSON, and lines that are no records.
#include "src/record/record.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "policy/verdict/explain.hpp"
#include "src/json/shapes.hpp"
#include "tests/repeats.hpp"
#include "tests/src/record/records.hpp"

namespace vnuma {
namespace {

using nlohmann::json;
using test::RandomRecords;

std::string problem_of(const std::string& line) {
    try {
        parse_record(line);
    } catch (const FormatError& error) {
        return error.what();
    }
    return "";
}

class RandomRecord : public ::testing::TestWithParam<unsigned> {
  protected:
    RandomRecords random{GetParam()};
};

TEST_P(RandomRecord, IsReadAsItWasWritten) {
    Record record = random.make();
    record.plan = random.nonsense(record.plan);
    const std::string line = to_line(record);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const Record read = parse_record(line);
    EXPECT_EQ(read, record);
    EXPECT_EQ(to_line(read), line);
}

TEST_P(RandomRecord, IsPlannedAgainToTheSame) {
    const Record read = parse_record(to_line(random.make()));
    EXPECT_EQ(plan(read.snapshot, read.history, read.settings), read.plan);
}

// tests/fuzz does the same under sanitizers.
TEST_P(RandomRecord, WithAnyValueReplacedIsRefusedOrPlanned) {
    const json values =
        json::parse(R"([null, true, -1, 0, 1, 2, 63, 64, 255, 1000, 4096, 1000000000,
        4503599627370496, 9007199254740992, 9223372036854775807, -9223372036854775808, 1.5, "", "act",
        [], [0], {}])");
    const json whole = json::parse(to_line(random.make()));
    const json leaves = whole.flatten();
    int planned = 0;
    for (int i = 0; i < 60; ++i) {
        json changed = whole;
        for (std::int64_t more = random.up_to(3); more >= 0; --more) {
            const auto leaf = std::next(leaves.begin(), random.up_to(leaves.size() - 1));
            changed[json::json_pointer(leaf.key())] =
                values[static_cast<std::size_t>(random.up_to(values.size() - 1))];
        }
        try {
            const Record record = parse_record(changed.dump());
            plan(record.snapshot, record.history, record.settings);
            for (const Verdict& verdict : record.plan.verdicts)
                explain(verdict, record.snapshot.topology);
            ++planned;
        } catch (const FormatError&) {
        }
    }
    EXPECT_GT(planned, 0) << "all records were refused";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRecord, ::testing::Range(0U, test::cases(20, 100)));

// The record of a tick of the small host that has all parts of a record.
json whole_record() {
    Record record = test::records_of_small_host().at(3);
    record.snapshot.topology.nodes[0].huge_available = {{2 * mib, 0}};
    return json::parse(to_line(record));
}

struct Broken {
    const char* where;  // JSON pointer
    json value;
    const char* problem;
};

class BrokenRecord : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenRecord, IsAnErrorThatNamesThePath) {
    json record = whole_record();
    ASSERT_EQ(problem_of(record.dump()), "");
    record[json::json_pointer(GetParam().where)] = GetParam().value;
    EXPECT_EQ(problem_of(record.dump()), GetParam().problem);
}

// Guests: web, database, watched, first, second, cells, wide.
const Broken broken[] = {
    {"/version", 1, "version: is 1, this vnumad reads 9 only"},
    {"/version", "1", "version: must be an integer"},
    {"/settings", json::array(), "settings: must be an object"},
    {"/settings/horizon", 0, "settings.horizon: is 0, must be 1 to 3600000"},
    {"/settings/margin", 0.5, "settings.margin: must be an integer"},
    {"/settings/colour", 1, "settings: has an unknown field \"colour\""},
    {"/more\n", 1, "has an unknown field \"more\\n\""},
    {"/history/cells/0/home", 2, "history.cells[0].home: is 2, must be 0 to 1"},
    {"/history/cells/0/failures", 7, "history.cells[0].failures: is 7, must be 0 to 6"},
    {"/history/shards/0/partition",
     {{0, 1}, {1, 2}},
     "history.shards[0].partition: must have every vCPU in exactly one shard"},
    {"/history/shards/0/partition",
     {{0, 1}, json::array()},
     "history.shards[0].partition: must have every vCPU in exactly one shard"},
    {"/history/shards/0/changes", 6, "history.shards[0].changes: is 6, must be 0 to 5"},
    {"/history/shards/0/partition/0/0", 4096,
     "history.shards[0].partition[0][0]: is 4096, must be 0 to 4095"},
    {"/snapshot/now", -1, "snapshot.now: is -1, must be 0 to 9007199254740992"},
    {"/snapshot/now", 18'446'744'073'709'551'615U,
     "snapshot.now: is 18446744073709551615, must be 0 to 9007199254740992"},
    {"/snapshot/topology/nodes", json::array(),
     "snapshot.topology.nodes: has 0 elements, must have 1 to 64"},
    {"/snapshot/topology/distances",
     {{10, 21}},
     "snapshot.topology.distances: has 1 elements, must have 2"},
    {"/snapshot/topology/distances/1",
     {21},
     "snapshot.topology.distances[1]: has 1 elements, must have 2"},
    {"/snapshot/topology/distances/1/0", 256,
     "snapshot.topology.distances[1][0]: is 256, must be 0 to 255"},
    {"/snapshot/topology/nodes/0/huge_available/0/page", 0,
     "snapshot.topology.nodes[0].huge_available[0].page: is 0, must be 1 to "
     "4503599627370496"},
    {"/snapshot/guests/1/uuid", "uuid-web", "snapshot.guests: has two guests with the same uuid"},
    {"/snapshot/guests/1/name", nullptr, "snapshot.guests[1].name: must be a string"},
    {"/snapshot/guests/0/cells/0/residency",
     {1, 2, 3},
     "snapshot.guests[0].cells[0].residency: has 3 elements, must have 2"},
    {"/snapshot/guests/0/cells/0/heat",
     {1},
     "snapshot.guests[0].cells[0].heat: has 1 elements, must have 2"},
    {"/snapshot/guests/0/cells/0/allowed",
     {0, 2},
     "snapshot.guests[0].cells[0].allowed[1]: is 2, must be 0 to 1"},
    {"/snapshot/guests/0/cells/0/allowed",
     {0, 0},
     "snapshot.guests[0].cells[0].allowed[1]: is a node that the array has already"},
    {"/snapshot/guests/0/cells/0/pinned", 1,
     "snapshot.guests[0].cells[0].pinned: must be true or false"},
    {"/snapshot/guests/0/cells/0/size", max_recorded_memory,
     "snapshot.guests: has more than a million CPUs in use or more than 4 PiB of memory"},
    {"/snapshot/guests/0/cells/0/vcpus", 4097,
     "snapshot.guests[0].cells[0].vcpus: is 4097, must be 0 to 4096"},
    {"/snapshot/guests/0/distances",
     {{10, 20}, {20}},
     "snapshot.guests[0].distances: must be a square matrix"},
    {"/snapshot/guests/1/devices/0", 2, "snapshot.guests[1].devices[0]: is 2, must be 0 to 1"},
    {"/snapshot/guests/0/policy/mode", "acto",
     "snapshot.guests[0].policy.mode: has an unknown value \"acto\""},
    {"/snapshot/guests/0/policy/priority", 101,
     "snapshot.guests[0].policy.priority: is 101, must be -100 to 100"},
    {"/snapshot/guests/6/cells/0/vcpus", 5,
     "snapshot.guests[6].wide: must belong to a guest of one cell with as many vCPUs"},
    {"/snapshot/guests/6/wide/accesses/36", 1,
     "snapshot.guests[6].wide.accesses: has 37 elements, must have 36"},
    {"/snapshot/guests/6/wide/confined_to",
     {nullptr},
     "snapshot.guests[6].wide.confined_to: has 1 elements, must have 6"},
    {"/snapshot/guests/6/wide/own/5",
     {0, 0, 0},
     "snapshot.guests[6].wide.own[5]: has 3 elements, must have 2"},
    {"/snapshot/guests/6/wide/shared",
     {{0, 0}},
     "snapshot.guests[6].wide.shared: has 1 elements, must have 6"},
    {"/plan/verdicts/0/home", 2, "plan.verdicts[0].home: is 2, must be 0 to 1"},
    {"/plan/verdicts/0/reason", "luck", "plan.verdicts[0].reason: has an unknown value \"luck\""},
    {"/plan/actions/0",
     {{"action", "pause"}},
     "plan.actions[0].action: has an unknown value \"pause\""},
    {"/plan/actions/0", {{"action", "pin"}}, "plan.actions[0].key: is missing"},
};
INSTANTIATE_TEST_SUITE_P(Table, BrokenRecord, ::testing::ValuesIn(broken));

TEST(Record, WithoutAFieldIsAnError) {
    json record = whole_record();
    record["snapshot"]["guests"][0]["cells"][0].erase("vcpus");
    EXPECT_EQ(problem_of(record.dump()), "snapshot.guests[0].cells[0].vcpus: is missing");
    record.erase("snapshot");
    EXPECT_EQ(problem_of(record.dump()), "snapshot: is missing");
}

TEST(Record, ThatIsNotJsonIsAnError) {
    EXPECT_EQ(problem_of(""), "is not JSON: error at byte 1");
    EXPECT_EQ(problem_of("[1e999]"),
              "is not JSON that can be read: it has a number that is too large");
    EXPECT_EQ(problem_of("1"), "must be an object");
    const std::string line = to_line(test::records_of_small_host().front());
    EXPECT_EQ(problem_of(line.substr(0, line.size() - 1)),
              "is not JSON: error at byte " + std::to_string(line.size()));
    EXPECT_EQ(problem_of(std::string(max_record_bytes + 1, ' ')),
              "has 16777217 bytes, the limit is 16777216");
}

TEST(Record, WithTooManyGuestsIsAnError) {
    json record = whole_record();
    json& guests = record["snapshot"]["guests"];
    while (guests.size() <= max_recorded_guests)
        guests.push_back(nullptr);
    EXPECT_EQ(problem_of(record.dump()),
              "snapshot.guests: has 65537 elements, must have 0 to 65536");
}

TEST(Record, WithTheSameCellTwiceIsAnError) {
    json record = whole_record();
    json& known = record["history"]["cells"];
    known.push_back(known[0]);
    EXPECT_EQ(problem_of(record.dump()), "history.cells[" + std::to_string(known.size() - 1) +
                                             "]: has a key that the array has already");
    record = whole_record();
    json& cells = record["snapshot"]["guests"][0]["cells"];
    cells.push_back(cells[0]);
    EXPECT_EQ(problem_of(record.dump()),
              "snapshot.guests[0].cells: has two cells with the same number");
}

TEST(Record, LeavesOutWhatIsEmpty) {
    Record record;
    record.snapshot = test::make_snapshot(test::make_topology(1, 1, test::gib),
                                          {test::make_guest("g", 1, 0, {0})});
    const json written = json::parse(to_line(record));
    for (const char* name : {"unsteady", "wide", "distances", "devices"})
        EXPECT_FALSE(written["snapshot"]["guests"][0].contains(name)) << name;
    EXPECT_EQ(parse_record(written.dump()), record);
}

TEST(Record, WithBytesThatAreNotUtf8CanBeReadAgain) {
    Record record = test::records_of_small_host().front();
    record.snapshot.guests[0].name = "a\xff";
    EXPECT_EQ(parse_record(to_line(record)).snapshot.guests[0].name, "a\xef\xbf\xbd");
}

}  // namespace
}  // namespace vnuma
