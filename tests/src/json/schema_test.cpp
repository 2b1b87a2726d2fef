// One describe function writes an object, reads it, and gives its JSON Schema.
#include "src/json/schema.hpp"

#include <gtest/gtest.h>

#include <map>

#include "src/json/fields.hpp"
#include "tests/src/json/json_schema.hpp"

namespace vnuma::json_schema_test {

using nlohmann::json;

struct Engine {
    int power = 0;

    friend bool operator==(const Engine&, const Engine&) = default;
};
void describe(auto& io, auto& engine) {
    io.type("Engine");
    io.field("power_kw", engine.power, Number{1, 500}, "Power of the engine.");
}

enum class Colour { red, blue };
constexpr std::array<std::pair<Colour, const char*>, 2> colours{{
    {Colour::red, "red"},
    {Colour::blue, "blue"},
}};

constexpr const char* name(Colour colour) {
    return colours[static_cast<std::size_t>(colour)].second;
}

struct Trailer {
    int axles = 0, load = 0;

    friend bool operator==(const Trailer&, const Trailer&) = default;
};

struct Truck {
    std::string name;
    Colour colour = Colour::red;
    std::optional<int> seats;
    std::string note;
    int doors = 2;
    std::vector<Engine> engines;
    std::vector<std::optional<int>> mirrors;
    std::map<int, int> tyres;
    std::optional<Trailer> trailer;
    json more;

    friend bool operator==(const Truck&, const Truck&) = default;
};

const auto truck_shape = object_of([](auto& io, auto& truck) {
    io.type("Truck");
    io.field("name", truck.name, Text());
    io.field("colour", truck.colour, word_of(colours), "What it looks like.");
    io.maybe("seats", truck.seats, Number{1, 9}, "Number of seats.");
    io.maybe("note", truck.note, Text());
    io.unless(2, "doors", truck.doors, Number{0, 5});
    io.field("engines", truck.engines, list_between(described, 0, 2));
    io.field("mirrors", truck.mirrors, list_of(or_null(any_number)));
    io.field("tyres", truck.tyres, entries_of([](auto& inner, auto& size, auto& count) {
                 inner.field("size", size, any_number);
                 inner.field("count", count, any_number);
             }));
    io.fields_if(
        "axles", truck.trailer,
        [](auto& inner, auto& trailer) {
            inner.field("axles", trailer.axles, any_number);
            inner.field("load", trailer.load, any_number, "Load of the trailer.");
        },
        "Number of the trailer's axles.");
    io.field("more", truck.more, Any());
});

Truck whole_truck() {
    return {"T1",   Colour::blue,      3,         "old",          4,
            {{90}}, {1, std::nullopt}, {{22, 6}}, Trailer{2, 30}, json::parse(R"({"a": [1]})")};
}

Truck read(const json& value, bool lenient = false) {
    Truck truck;
    truck_shape.read(JsonIn{.value = value, .lenient = lenient}, truck);
    return truck;
}

json written(const Truck& truck) {
    return json::parse(truck_shape.write(truck).dump());
}

std::string problem_of(const json& value, bool lenient = false) {
    try {
        read(value, lenient);
    } catch (const FormatError& error) {
        return error.what();
    }
    return "";
}

TEST(JsonFields, AreReadAsTheyWereWritten) {
    EXPECT_EQ(read(written(whole_truck())), whole_truck());
    EXPECT_EQ(read(written(Truck())), Truck());
}

TEST(JsonFields, ThatAreUnknownAreRefusedAtEveryDepth) {
    json value = written(whole_truck());
    value["engines"][0]["sound"] = 1;
    EXPECT_EQ(problem_of(value), "engines[0]: has an unknown field \"sound\"");
    value = written(whole_truck());
    value["wings"] = 2;
    EXPECT_EQ(problem_of(value), "has an unknown field \"wings\"");
}

TEST(JsonFields, ThatAreUnknownAreIgnoredAtEveryDepthByALenientReader) {
    json value = written(whole_truck());
    value["wings"] = 2;
    value["engines"][0]["sound"] = 1;
    value["tyres"][0]["colour"] = "black";
    EXPECT_EQ(read(value, true), whole_truck());
}

TEST(JsonFields, OfWrongTypesAndMissingOnesAreErrorsOfALenientReaderToo) {
    json value = written(whole_truck());
    value["engines"][0]["power_kw"] = "90";
    EXPECT_EQ(problem_of(value, true), "engines[0].power_kw: must be an integer");
    value["engines"][0].erase("power_kw");
    EXPECT_EQ(problem_of(value, true), "engines[0].power_kw: is missing");
}

JsonOut schema() {
    return truck_shape.schema<Truck>();
}

JsonOut property(const char* name) {
    return schema()["properties"][name];
}

TEST(JsonSchema, IsValidAndHasTheNameOfTheType) {
    EXPECT_EQ(test::problem_of_schema(schema()), "");
    EXPECT_EQ(schema()["type"], "object");
    EXPECT_EQ(schema()["title"], "Truck");
}

TEST(JsonSchema, HasAllFieldsInTheirOrder) {
    const JsonOut properties = schema()["properties"];
    std::vector<std::string> names;
    for (const auto& field : properties.items())
        names.push_back(field.key());
    EXPECT_EQ(names,
              (std::vector<std::string>{"name", "colour", "seats", "note", "doors", "engines",
                                        "mirrors", "tyres", "axles", "load", "more"}));
}

TEST(JsonSchema, RequiresTheFieldsThatAreAlwaysWritten) {
    EXPECT_EQ(schema()["required"],
              JsonOut({"name", "colour", "engines", "mirrors", "tyres", "more"}));
}

TEST(JsonSchema, HasTypesLimitsDefaultsAndMeanings) {
    EXPECT_EQ(property("name").dump(), R"({"type":"string"})");
    EXPECT_EQ(property("colour").dump(),
              R"({"type":"string","enum":["red","blue"],"description":"What it looks like."})");
    EXPECT_EQ(property("seats").dump(),
              R"({"type":"integer","minimum":1,"maximum":9,"description":"Number of seats."})");
    EXPECT_EQ(property("doors").dump(),
              R"({"type":"integer","minimum":0,"maximum":5,"default":2})");
    EXPECT_EQ(property("engines")["maxItems"], 2);
    EXPECT_EQ(property("engines")["items"]["title"], "Engine");
    EXPECT_EQ(property("mirrors").dump(),
              R"({"type":"array","items":{"anyOf":[{"type":"integer"},{"type":"null"}]}})");
    EXPECT_EQ(property("tyres")["items"]["required"], JsonOut({"size", "count"}));
    EXPECT_EQ(property("axles")["description"], "Number of the trailer's axles.");
    EXPECT_EQ(property("load")["description"], "Load of the trailer.");
    EXPECT_EQ(property("more").dump(), "{}");
}

TEST(JsonSchema, HasTheLimitsOfNodesOfAHost) {
    EXPECT_EQ(OneNode{4}.schema<NodeIndex>().dump(),
              R"({"type":"integer","minimum":0,"maximum":3})");
    EXPECT_EQ(SomeNodes{4}.schema<NodeSet>()["maxItems"], 4);
    EXPECT_EQ(Flag().schema<bool>().dump(), R"({"type":"boolean"})");
}

TEST(JsonSchema, IsMatchedByWhatIsWritten) {
    EXPECT_TRUE(test::matches(truck_shape.write(whole_truck()), schema()));
    EXPECT_TRUE(test::matches(truck_shape.write(Truck()), schema()));
    Truck slow = whole_truck();
    slow.engines[0].power = 0;
    EXPECT_FALSE(test::matches(truck_shape.write(slow), schema()));
}

}  // namespace vnuma::json_schema_test
