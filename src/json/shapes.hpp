// Values as JSON, and strictly read back. A shape describes a value once for all uses: write()
// returns its JSON; read() takes the value out of JSON, or throws FormatError; schema<Value>()
// returns a JSON Schema (json-schema.org) of what write() returns. The shape of an object is a
// function that names the fields to a FieldWriter, a FieldReader or a FieldSchema (fields.hpp).
#pragma once

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "policy/model/guest_policy.hpp"
#include "policy/model/types.hpp"

namespace vnuma {

// Objects keep the order in which their fields are written.
using JsonOut = nlohmann::ordered_json;

// What is wrong with JSON that was read: "PATH: PROBLEM", for example
// "snapshot.guests[2].cells[0].residency: has 3 elements, must have 2".
struct FormatError : std::runtime_error {
    FormatError(const std::string& path, const std::string& problem)
        : std::runtime_error(path.empty() ? problem : path + ": " + problem) {}
};

// The beginning of a text as JSON in ASCII, for error messages: it stays on its line and does not
// change a terminal.
std::string quoted(const std::string& text);

// A value that is read, and the path to it, which is only put together for an error.
struct JsonIn {
    const nlohmann::json& value;
    const JsonIn* parent = nullptr;
    const char* name = nullptr;  // of the field, if the parent is an object
    std::size_t index = 0;       // of the element, if the parent is an array
    // Whether fields that nobody knows are ignored, in this value and all that it has. Only the
    // value without a parent has it.
    bool lenient = false;

    std::string path() const;
    bool ignores_unknown() const { return parent ? parent->ignores_unknown() : lenient; }
    // Throws FormatError. The problem is the predicate of a sentence whose subject is the path.
    [[noreturn]] void fail(const std::string& problem) const;
    std::int64_t number(std::int64_t least, std::int64_t most) const;
    const std::string& text() const;
    bool flag() const;
    // Of an array that must have `least` to `most` elements.
    std::size_t list_size(std::size_t least, std::size_t most) const;
};

// A schema that has only a type: "string", "boolean", ...
JsonOut schema_of_type(const char* type);
// Limits that no value can exceed are left out.
JsonOut schema_of_numbers(std::int64_t least, std::int64_t most);
JsonOut schema_of_list(JsonOut item, std::size_t least, std::size_t most);

struct Number {
    std::int64_t least = std::numeric_limits<std::int64_t>::min();
    std::int64_t most = std::numeric_limits<std::int64_t>::max();

    template <typename Value>
    JsonOut write(Value value) const {
        return value;
    }
    template <typename Value>
    void read(const JsonIn& in, Value& value) const {
        value = static_cast<Value>(in.number(least, most));
    }
    template <typename>
    JsonOut schema() const {
        return schema_of_numbers(least, most);
    }
};

inline constexpr Number any_number;  // of values that are only compared and shown
inline constexpr Number kernel_number{0, std::numeric_limits<int>::max()};  // of nodes and cells

struct Text {
    JsonOut write(const std::string& value) const { return value; }
    void read(const JsonIn& in, std::string& value) const { value = in.text(); }
    template <typename>
    JsonOut schema() const {
        return schema_of_type("string");
    }
};

struct Flag {
    JsonOut write(bool value) const { return value; }
    void read(const JsonIn& in, bool& value) const { value = in.flag(); }
    template <typename>
    JsonOut schema() const {
        return schema_of_type("boolean");
    }
};

// JSON of any kind, as it is.
struct Any {
    JsonOut write(const nlohmann::json& value) const { return JsonOut(value); }
    void read(const JsonIn& in, nlohmann::json& value) const { value = in.value; }
    template <typename>
    JsonOut schema() const {
        return JsonOut::object();
    }
};

// A value of an enum, by its name in a table.
template <typename Value, std::size_t count>
struct Word {
    const std::array<std::pair<Value, const char*>, count>& words;

    JsonOut write(Value value) const { return name(value); }
    void read(const JsonIn& in, Value& value) const {
        const std::optional<Value> found = find_by_name(words, in.text());
        if (!found) in.fail("has an unknown value " + quoted(in.text()));
        value = *found;
    }
    template <typename>
    JsonOut schema() const {
        JsonOut schema = schema_of_type("string");
        for (const auto& word : words)
            schema["enum"].push_back(word.second);
        return schema;
    }
};

template <typename Value, std::size_t count>
Word<Value, count> word_of(const std::array<std::pair<Value, const char*>, count>& words) {
    return {words};
}

// A node by its index; `nodes` is the number of nodes of the host.
struct OneNode {
    std::size_t nodes;

    JsonOut write(NodeIndex node) const { return node.value; }
    void read(const JsonIn& in, NodeIndex& node) const {
        node =
            NodeIndex(static_cast<std::size_t>(in.number(0, static_cast<std::int64_t>(nodes) - 1)));
    }
    template <typename>
    JsonOut schema() const {
        return schema_of_numbers(0, static_cast<std::int64_t>(nodes) - 1);
    }
};

struct SomeNodes {
    std::size_t nodes;

    JsonOut write(NodeSet set) const;
    void read(const JsonIn& in, NodeSet& set) const;
    template <typename>
    JsonOut schema() const {
        return schema_of_list(OneNode{nodes}.schema<NodeIndex>(), 0, nodes);
    }
};

template <typename Item>
struct List {
    Item item;
    std::size_t least, most;

    template <typename Values>
    JsonOut write(const Values& values) const {
        JsonOut list = JsonOut::array();
        for (const auto& value : values)
            list.push_back(item.write(value));
        return list;
    }
    template <typename Values>
    void read(const JsonIn& in, Values& values) const {
        const std::size_t size = in.list_size(least, most);
        values.clear();
        values.reserve(size);
        for (std::size_t i = 0; i < size; ++i)
            item.read(JsonIn{in.value[i], &in, nullptr, i}, values.emplace_back());
    }
    template <typename Values>
    JsonOut schema() const {
        return schema_of_list(item.template schema<typename Values::value_type>(), least, most);
    }
};

// The number of elements is limited by the length of a line only.
template <typename Item>
constexpr List<Item> list_of(Item item) {
    return {item, 0, std::numeric_limits<std::size_t>::max()};
}

template <typename Item>
constexpr List<Item> list_of(Item item, std::size_t count) {
    return {item, count, count};
}

template <typename Item>
constexpr List<Item> list_between(Item item, std::size_t least, std::size_t most) {
    return {item, least, most};
}

// An element of a list that has a place for each value, also for one that is absent.
template <typename Item>
struct OrNull {
    Item item;

    template <typename Value>
    JsonOut write(const std::optional<Value>& value) const {
        return value ? item.write(*value) : JsonOut(nullptr);
    }
    template <typename Value>
    void read(const JsonIn& in, std::optional<Value>& value) const {
        value.reset();
        if (!in.value.is_null()) item.read(in, value.emplace());
    }
    template <typename Held>
    JsonOut schema() const {
        JsonOut schema = JsonOut::object();
        schema["anyOf"].push_back(item.template schema<typename Held::value_type>());
        schema["anyOf"].push_back(schema_of_type("null"));
        return schema;
    }
};

template <typename Item>
constexpr OrNull<Item> or_null(Item item) {
    return {item};
}

}  // namespace vnuma
