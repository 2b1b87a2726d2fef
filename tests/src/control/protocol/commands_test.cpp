// The tables of commands, events and errors.
#include "src/control/protocol/commands.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "src/control/protocol/json.hpp"
#include "tests/src/control/protocol/samples.hpp"
#include "tests/src/json/json_schema.hpp"

namespace vnuma::control {
namespace {

bool is_sentence(const std::string& text) {
    return text.size() > 2 && std::isupper(static_cast<unsigned char>(text.front())) &&
           text.back() == '.';
}

bool has_only(const std::string& text, const char* characters) {
    return !text.empty() && text.find_first_not_of(characters) == std::string::npos;
}

// Titles of all objects in a schema, with those objects.
void collect_types(const JsonOut& schema, std::map<std::string, std::set<std::string>>& types) {
    if (schema.contains("title")) {
        JsonOut type = schema;
        type.erase("description");
        types[schema["title"]].insert(type.dump());
    }
    for (const auto& part : schema.items())
        if (part.value().is_structured()) collect_types(part.value(), types);
}

TEST(ControlCommands, HaveNamesSummariesAndValidSchemas) {
    std::set<std::string> names;
    for (const Command& command : commands()) {
        EXPECT_TRUE(has_only(command.name, "abcdefghijklmnopqrstuvwxyz-")) << command.name;
        EXPECT_TRUE(names.insert(command.name).second) << command.name << " is there twice";
        EXPECT_TRUE(is_sentence(command.summary)) << command.name;
        EXPECT_EQ(vnuma::test::problem_of_schema(command.arguments()), "") << command.name;
        EXPECT_EQ(vnuma::test::problem_of_schema(command.reply()), "") << command.name;
        EXPECT_EQ(command.arguments()["type"], "object") << command.name;
        EXPECT_EQ(command.arguments()["additionalProperties"], false) << command.name;
    }
}

TEST(ControlCommands, AreFoundByTheirNames) {
    for (const Command& command : commands())
        EXPECT_EQ(find_command(command.name), &command);
    EXPECT_EQ(find_command("query-"), nullptr);
    EXPECT_EQ(find_command(""), nullptr);
}

TEST(ControlCommands, ThatActRefuseClientsThatMayNotAndQueriesOnlyRead) {
    for (const Command& command : commands()) {
        const bool may_refuse =
            std::any_of(command.errors.begin(), command.errors.end(),
                        [](const std::string& error) { return error == not_permitted; });
        if (command.right == Right::act) {
            EXPECT_TRUE(may_refuse) << command.name;
        }
        if (std::string(command.name).starts_with("query-")) {
            EXPECT_EQ(command.right, Right::read) << command.name;
        }
    }
    // It acts only if it is asked to reserve.
    EXPECT_EQ(find_command("place")->right, Right::read);
}

TEST(ControlCommands, FailWithClassesThatAreExplained) {
    std::set<std::string> classes;
    for (const ErrorClass& one : error_classes()) {
        EXPECT_TRUE(classes.insert(one.name).second) << one.name << " is there twice";
        EXPECT_TRUE(is_sentence(one.meaning)) << one.name;
    }
    for (const Command& command : commands())
        for (const char* error : command.errors)
            EXPECT_TRUE(classes.contains(error)) << command.name << ": " << error;
}

TEST(ControlCommands, HaveArgumentsAsTheirStructsAreWritten) {
    const auto expect = [](const char* command, const JsonOut& arguments) {
        ASSERT_NE(find_command(command), nullptr) << command;
        EXPECT_TRUE(vnuma::test::matches(arguments, find_command(command)->arguments())) << command;
        JsonOut more = arguments;
        more["colour"] = 1;
        EXPECT_FALSE(vnuma::test::matches(more, find_command(command)->arguments())) << command;
    };
    expect("query-status", JsonOut::object());
    expect("query-guest", to_json(test::sample<GuestArgument>()));
    expect("query-heat-map", to_json(test::sample<HeatMapArguments>()));
    expect("query-history", to_json(test::sample<SinceArguments>()));
    expect("query-policy", to_json(test::sample<PolicyTarget>()));
    expect("set-policy", to_json(test::sample<SetPolicyArguments>()));
    expect("unset-policy", to_json(test::sample<UnsetPolicyArguments>()));
    expect("move", to_json(test::sample<MoveArguments>()));
    for (const char* command : {"freeze", "thaw", "restore"})
        expect(command, to_json(test::sample<GuestOrAll>()));
    expect("place", to_json(test::sample<PlaceArguments>()));
    expect("set-events", to_json(test::sample<EventsArguments>()));
}

TEST(ControlCommands, HaveAnArgumentInAnArgumentClosedToo) {
    JsonOut arguments = to_json(test::sample<SetPolicyArguments>());
    arguments["settings"][0]["colour"] = 1;
    EXPECT_FALSE(vnuma::test::matches(arguments, find_command("set-policy")->arguments()));
}

TEST(ControlEvents, AreAllKindsAndTwoMore) {
    std::set<std::string> names;
    for (const Event& event : events()) {
        EXPECT_TRUE(has_only(event.name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")) << event.name;
        EXPECT_TRUE(names.insert(event.name).second) << event.name << " is there twice";
        EXPECT_TRUE(is_sentence(event.meaning)) << event.name;
        EXPECT_EQ(vnuma::test::problem_of_schema(event.data()), "") << event.name;
    }
    for (const auto& kind : event_kinds)
        EXPECT_TRUE(names.contains(kind.second)) << kind.second;
    EXPECT_EQ(names.size(), event_kinds.size() + 2);
    EXPECT_TRUE(names.contains(plan_event));
    EXPECT_TRUE(names.contains(events_lost_event));
}

TEST(ControlSchema, HasAllCommandsAndEvents) {
    const JsonOut all = schema();
    EXPECT_EQ(all["commands"].size(), commands().size());
    EXPECT_EQ(all["events"].size(), events().size());
    const JsonOut& first = all["commands"][0];
    for (const char* field : {"name", "summary", "right", "arguments", "reply", "errors", "verb"})
        EXPECT_TRUE(first.contains(field)) << field;
}

TEST(ControlSchema, HasOneMeaningOfEachNameOfAType) {
    std::map<std::string, std::set<std::string>> types;
    for (const Command& command : commands())
        collect_types(command.reply(), types);
    for (const auto& [name, meanings] : types)
        EXPECT_EQ(meanings.size(), 1U) << name;
}

}  // namespace
}  // namespace vnuma::control
