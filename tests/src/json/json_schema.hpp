// Checks of JSON Schemas, for the part of JSON Schema that src/json/schema.hpp uses.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "src/json/shapes.hpp"

namespace vnuma::test {

// What is wrong with a schema as such, with its path; empty if nothing is.
inline std::string problem_of_schema(const JsonOut& schema, const std::string& path = "") {
    static const std::set<std::string> words{
        "type",    "title", "description", "properties", "required", "additionalProperties",
        "default", "enum",  "items",       "minItems",   "maxItems", "minimum",
        "maximum", "anyOf"};
    static const std::set<std::string> types{"object",  "array",   "string",
                                             "integer", "boolean", "null"};
    if (!schema.is_object()) return path + ": is no object";
    for (const auto& word : schema.items())
        if (!words.contains(word.key())) return path + ": has " + word.key();
    if (schema.contains("type") && !types.contains(schema["type"].get<std::string>()))
        return path + ": has an unknown type";
    if (schema.contains("description") && schema["description"].get<std::string>().empty())
        return path + ": has an empty description";
    if (schema.contains("required"))
        for (const auto& name : schema["required"])
            if (!schema["properties"].contains(name.get<std::string>()))
                return path + ": requires a field that it has not";
    if (schema.contains("items")) {
        const std::string problem = problem_of_schema(schema["items"], path + "[]");
        if (!problem.empty()) return problem;
    }
    for (const char* several : {"properties", "anyOf"}) {
        if (!schema.contains(several)) continue;
        for (const auto& part : schema[several].items()) {
            const std::string problem = problem_of_schema(part.value(), path + "." + part.key());
            if (!problem.empty()) return problem;
        }
    }
    return "";
}

inline bool has_type(const JsonOut& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "boolean") return value.is_boolean();
    return type == "null" && value.is_null();
}

// Whether a value is as a schema says.
inline bool matches(const JsonOut& value, const JsonOut& schema) {
    if (schema.contains("anyOf"))
        return std::any_of(schema["anyOf"].begin(), schema["anyOf"].end(),
                           [&](const JsonOut& one) { return matches(value, one); });
    if (schema.contains("type") && !has_type(value, schema["type"])) return false;
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
        return false;
    if (schema.contains("minimum") && value < schema["minimum"]) return false;
    if (schema.contains("maximum") && value > schema["maximum"]) return false;
    if (schema.contains("minItems") && value.size() < schema["minItems"]) return false;
    if (schema.contains("maxItems") && value.size() > schema["maxItems"]) return false;
    if (schema.contains("items"))
        return std::all_of(value.begin(), value.end(),
                           [&](const JsonOut& one) { return matches(one, schema["items"]); });
    if (schema.contains("required"))
        for (const auto& name : schema["required"])
            if (!value.contains(name.get<std::string>())) return false;
    if (!schema.contains("properties"))
        return schema.value("additionalProperties", true) || value.empty();
    for (const auto& field : value.items()) {
        const bool is_known = schema["properties"].contains(field.key());
        if (!is_known && !schema.value("additionalProperties", true)) return false;
        if (is_known && !matches(field.value(), schema["properties"][field.key()])) return false;
    }
    return true;
}

}  // namespace vnuma::test
