#include "qmp/outline.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace vnuma::qmp {
namespace {

TEST(Outline, AnEventIsKnownByItsKeyWhereverThatIs) {
    for (const char* line : {R"({"event": "STOP"})", R"({"event" : 1})",
                             R"({"timestamp": {"seconds": 1}, "event": "STOP", "data": {}})",
                             R"({"data": {"return": 1, "a": "\"error\":"}, "event": "STOP"})"})
        EXPECT_TRUE(outline_of(line).event) << line;
}

TEST(Outline, AnythingElseIsNoEvent) {
    for (const char* line :
         {"", "{}", R"({"return": {"event": "STOP"}})", R"({"return": "event", "id": 1})",
          R"({"event": "STOP", "return": {}})", R"({"error": {}, "event": "STOP"})",
          R"({"QMP": {}, "event": 1})", R"(["event"])", R"({"a\\": "event"})", R"({"event)"})
        EXPECT_FALSE(outline_of(line).event) << line;
}

TEST(Outline, CountsTheDepthOutsideOfStrings) {
    const auto nested = [](int levels) {
        return std::string(static_cast<std::size_t>(levels), '[') + "\"[[[\\\"[[[\"";
    };
    EXPECT_FALSE(outline_of(nested(max_nesting)).too_deep);
    EXPECT_TRUE(outline_of(nested(max_nesting + 1)).too_deep);
}

std::size_t count(const nlohmann::json& value) {
    std::size_t sum = 1;
    if (value.is_structured())
        for (const auto& element : value)
            sum += count(element);
    return sum;
}

TEST(Outline, CountsAtLeastAsManyValuesAsThereAre) {
    for (const char* line : {"1", "[]", "[[], {}]", "[1, 2, 3]", R"({"a": 1, "b": [{"c": {}}]})",
                             R"({"a": ",,,[[["})"}) {
        const std::size_t values = count(nlohmann::json::parse(line));
        EXPECT_GE(outline_of(line).values, values) << line;
        EXPECT_LE(outline_of(line).values, 2 * values) << line;
    }
}

}  // namespace
}  // namespace vnuma::qmp
