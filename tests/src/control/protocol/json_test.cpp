// Every struct of the control socket's protocol as JSON and back.
#include "src/control/protocol/json.hpp"

#include <gtest/gtest.h>

#include "tests/src/control/protocol/samples.hpp"
#include "tests/src/json/json_schema.hpp"

namespace vnuma::control {
namespace {

using nlohmann::json;
using test::sample;

template <typename T>
json written(const T& value) {
    return json::parse(to_json(value).dump());
}

template <typename T>
std::string problem_of(const json& value, bool strict = true) {
    try {
        from_json<T>(value, strict);
    } catch (const FormatError& error) {
        return error.what();
    }
    return "";
}

template <typename T>
class ControlStruct : public ::testing::Test {};
using AllStructs =
    ::testing::Types<NodeBytes, CellSummary, GuestSummary, PolicyValue, GuestDetails, HeatBlock,
                     HeatMap, CellExplanation, Explanation, HugePool, NodeStatus, GuestCounts,
                     RivalStatus, Status, Happening, CellMinute, NodeMinute, PastEvents,
                     HistoryPage, GuestArgument, HeatMapArguments, SinceArguments, PolicyTarget,
                     PolicyView, Setting, SetPolicyArguments, UnsetPolicyArguments, GroupMember,
                     GroupView, MoveArguments, MoveReply, GuestOrAll, Done, PlaceArguments,
                     PlaceMove, PlaceReply, EventsArguments>;
TYPED_TEST_SUITE(ControlStruct, AllStructs);

TYPED_TEST(ControlStruct, IsReadAsItWasWritten) {
    const TypeParam value = sample<TypeParam>();
    const TypeParam read = from_json<TypeParam>(written(value), true);
    EXPECT_EQ(written(read), written(value));
    if constexpr (std::equality_comparable<TypeParam>) {
        EXPECT_EQ(read, value);
    }
}

TYPED_TEST(ControlStruct, WritesWhatItsSchemaSays) {
    const JsonOut schema = schema_of<TypeParam>();
    EXPECT_EQ(vnuma::test::problem_of_schema(schema), "");
    EXPECT_TRUE(vnuma::test::matches(to_json(sample<TypeParam>()), schema));
}

TYPED_TEST(ControlStruct, HasEveryFieldAndAMeaningOfIt) {
    const JsonOut schema = schema_of<TypeParam>();
    const json value = written(sample<TypeParam>());
    const bool is_choice = std::is_same_v<TypeParam, PolicyTarget> ||
                           std::is_same_v<TypeParam, SetPolicyArguments> ||
                           std::is_same_v<TypeParam, UnsetPolicyArguments>;
    for (const auto& field : schema["properties"].items()) {
        EXPECT_TRUE(is_choice || value.contains(field.key())) << field.key();
        EXPECT_TRUE(field.value().contains("description")) << field.key();
    }
}

TYPED_TEST(ControlStruct, MayHaveUnknownFieldsOnlyIfItIsReadLeniently) {
    json value = written(sample<TypeParam>());
    value["later"] = 1;
    EXPECT_EQ(problem_of<TypeParam>(value), "has an unknown field \"later\"");
    EXPECT_EQ(written(from_json<TypeParam>(value, false)), written(sample<TypeParam>()));
}

TYPED_TEST(ControlStruct, NamesAFieldOfAWrongType) {
    const json value = written(sample<TypeParam>());
    for (const auto& field : value.items()) {
        if (std::is_same_v<TypeParam, GuestDetails> && field.key() == "report") continue;
        json changed = value;
        changed[field.key()] = 1.5;
        EXPECT_TRUE(problem_of<TypeParam>(changed).starts_with(field.key() + ": must be "))
            << problem_of<TypeParam>(changed);
    }
    EXPECT_EQ(problem_of<TypeParam>(json::array()), "must be an object");
}

TEST(ControlJson, NamesThePathOfWhatIsWrong) {
    json value = written(sample<Status>());
    value["not_at_home"][0]["cells"][1]["home"] = -1;
    EXPECT_EQ(problem_of<Status>(value),
              "not_at_home[0].cells[1].home: is -1, must be 0 to 2147483647");
    value = written(sample<Status>());
    value["nodes"][0].erase("cpus");
    EXPECT_EQ(problem_of<Status>(value, false), "nodes[0].cpus: is missing");
    value = written(sample<Status>());
    value["not_at_home"][0]["doing"] = "dancing";
    EXPECT_EQ(problem_of<Status>(value), "not_at_home[0].doing: has an unknown value \"dancing\"");
}

TEST(ControlJson, HasListsOfStructs) {
    const std::vector<GuestSummary> guests{sample<GuestSummary>(), GuestSummary()};
    EXPECT_EQ(from_json<std::vector<GuestSummary>>(written(guests), true), guests);
    json value = written(guests);
    value[1]["name"] = 1;
    EXPECT_EQ(problem_of<std::vector<GuestSummary>>(value), "[1].name: must be a string");
    EXPECT_EQ(schema_of<std::vector<GuestSummary>>()["items"]["title"], "GuestSummary");
}

TEST(ControlJson, HasUnitsInTheNamesOfFields) {
    const json guest = written(sample<GuestSummary>());
    EXPECT_EQ(guest["cpu_use_milli"], 2500);
    EXPECT_EQ(guest["size_bytes"], 2 << 20);
    EXPECT_EQ(guest["locality_permille"], 950);
    EXPECT_EQ(written(sample<PlaceArguments>())["reserve_ms"], 30'000);
}

TEST(ControlJson, LeavesOutWhatAGuestDoesNotHaveButNoList) {
    const json guest = written(GuestSummary());
    for (const char* field : {"id", "pid", "why"})
        EXPECT_FALSE(guest.contains(field)) << field;
    EXPECT_EQ(guest["cells"], json::array());
    EXPECT_EQ(guest["memory"], json::array());
}

TEST(ControlArguments, ThatAreLeftOutHaveTheirDefaults) {
    EXPECT_EQ(from_json<HeatMapArguments>({{"guest", "web1"}}, true).blocks, 256);
    const auto since = from_json<SinceArguments>(json::object(), true);
    EXPECT_EQ(since.since_ms, 0);
    EXPECT_EQ(since.guest, std::nullopt);
    EXPECT_EQ(since.limit, 1000);
    const auto place = from_json<PlaceArguments>({{"vcpus", 2}, {"memory_bytes", 4096}}, true);
    EXPECT_EQ(place.cells, 1);
    EXPECT_EQ(place.reserve, 0);
    EXPECT_EQ(place.nodes, std::nullopt);
    const auto events = from_json<EventsArguments>(json::object(), true);
    EXPECT_TRUE(events.events);
    EXPECT_FALSE(events.records);
}

TEST(ControlArguments, OutOfRangeAreRefused) {
    EXPECT_EQ(problem_of<HeatMapArguments>({{"guest", "web1"}, {"blocks", 0}}),
              "blocks: is 0, must be 1 to 4096");
    EXPECT_EQ(problem_of<SinceArguments>({{"limit", 10'001}}),
              "limit: is 10001, must be 1 to 10000");
    EXPECT_EQ(problem_of<MoveArguments>({{"guest", "web1"}, {"home", json::array()}}),
              "home: has 0 elements, must have 1 to 1024");
    EXPECT_EQ(problem_of<SetPolicyArguments>({{"guest", "web1"}, {"settings", json::array()}}),
              "settings: has 0 elements, must have 1 to 64");
    EXPECT_EQ(problem_of<PlaceArguments>({{"vcpus", 1}, {"memory_bytes", 0}}),
              "memory_bytes: is 0, must be 1 to 4503599627370496");
}

TEST(ControlArguments, NameOneTargetOfAPolicyAtMost) {
    EXPECT_EQ(problem_of<PolicyTarget>(json::object()), "");
    EXPECT_EQ(problem_of<PolicyTarget>({{"guest", "web1"}, {"cgroup", "/a"}}),
              "cgroup: cannot be given together with guest");
    EXPECT_EQ(problem_of<PolicyTarget>({{"cgroup", "/a"}, {"group", "web"}}),
              "group: cannot be given together with guest or cgroup");
    EXPECT_EQ(problem_of<UnsetPolicyArguments>({{"guest", "web1"}, {"group", "web"}}),
              "group: cannot be given together with guest or cgroup");
}

TEST(ControlArguments, HaveTheTargetOfAPolicyAmongThem) {
    const auto arguments = from_json<SetPolicyArguments>(
        {{"group", "web"}, {"settings", {{{"key", "mode"}, {"value", "off"}}}}}, true);
    EXPECT_EQ(arguments.target.group, "web");
    EXPECT_EQ(arguments.settings.at(0).key, "mode");
    EXPECT_EQ(arguments.for_ms, std::nullopt);
}

TEST(ControlEvents, HaveTheirKindAndTimeBesideTheirData) {
    const Happening happening = sample<Happening>();
    const json data = json::parse(event_data(happening).dump());
    EXPECT_FALSE(data.contains("event"));
    EXPECT_FALSE(data.contains("time_ms"));
    EXPECT_EQ(happening_from_event(happening.kind, happening.time_ms, data, true), happening);
}

}  // namespace
}  // namespace vnuma::control
