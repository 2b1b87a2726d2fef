// How values are put into JSON, and strictly taken out of it again. A shape says what a value looks
// like, for both ways at once: write() gives its JSON; read() takes it, or throws RecordError. An
// object's shape is a function that names its fields to a FieldWriter or a FieldReader.
#pragma once

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/model/guest_policy.hpp"
#include "policy/model/types.hpp"

namespace vnuma {

// Fields in the order in which they are named.
using JsonOut = nlohmann::ordered_json;

// A value that is read, and where it is. The path is put together only when something is wrong.
struct Place {
    const nlohmann::json& value;
    const Place* parent = nullptr;
    const char* name = nullptr;  // in an object
    std::size_t index = 0;       // in a list

    std::string path() const;
    [[noreturn]] void fail(const std::string& problem) const;
    std::int64_t number(std::int64_t least, std::int64_t most) const;
    const std::string& text() const;
    bool flag() const;
    // Of a list that has to have so many values.
    std::size_t list_size(std::size_t least, std::size_t most) const;
};

struct Number {
    std::int64_t least = std::numeric_limits<std::int64_t>::min();
    std::int64_t most = std::numeric_limits<std::int64_t>::max();

    template <typename Value>
    JsonOut write(Value value) const {
        return value;
    }
    template <typename Value>
    void read(const Place& place, Value& value) const {
        value = static_cast<Value>(place.number(least, most));
    }
};

inline constexpr Number any_number;  // only compared and shown
inline constexpr Number kernel_number{0, std::numeric_limits<int>::max()};  // of nodes and cells

struct Text {
    JsonOut write(const std::string& value) const { return value; }
    void read(const Place& place, std::string& value) const { value = place.text(); }
};

struct Flag {
    JsonOut write(bool value) const { return value; }
    void read(const Place& place, bool& value) const { value = place.flag(); }
};

// One of an enum's values, by its name.
template <typename Value, std::size_t count>
struct Word {
    const std::array<std::pair<Value, const char*>, count>& words;

    JsonOut write(Value value) const { return name(value); }
    void read(const Place& place, Value& value) const {
        const std::optional<Value> found = find_word(words, place.text());
        if (!found) place.fail("is none of the words that are known here");
        value = *found;
    }
};

template <typename Value, std::size_t count>
Word<Value, count> word_of(const std::array<std::pair<Value, const char*>, count>& words) {
    return {words};
}

struct OneNode {
    std::size_t nodes;  // of the host

    JsonOut write(NodeIndex node) const { return node.value; }
    void read(const Place& place, NodeIndex& node) const {
        node = NodeIndex(
            static_cast<std::size_t>(place.number(0, static_cast<std::int64_t>(nodes) - 1)));
    }
};

struct SomeNodes {
    std::size_t nodes;

    JsonOut write(NodeSet set) const;
    void read(const Place& place, NodeSet& set) const;
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
    void read(const Place& place, Values& values) const {
        const std::size_t size = place.list_size(least, most);
        values.clear();
        values.reserve(size);
        for (std::size_t i = 0; i < size; ++i)
            item.read(Place{place.value[i], &place, nullptr, i}, values.emplace_back());
    }
};

// As many as a line holds.
template <typename Item>
List<Item> list_of(Item item) {
    return {item, 0, std::numeric_limits<std::size_t>::max()};
}

template <typename Item>
List<Item> list_of(Item item, std::size_t count) {
    return {item, count, count};
}

template <typename Item>
List<Item> list_between(Item item, std::size_t least, std::size_t most) {
    return {item, least, most};
}

// Where a list has a place for each, whether or not there is something.
template <typename Item>
struct OrNull {
    Item item;

    template <typename Value>
    JsonOut write(const std::optional<Value>& value) const {
        return value ? item.write(*value) : JsonOut(nullptr);
    }
    template <typename Value>
    void read(const Place& place, std::optional<Value>& value) const {
        value.reset();
        if (!place.value.is_null()) item.read(place, value.emplace());
    }
};

template <typename Item>
OrNull<Item> or_null(Item item) {
    return {item};
}

class FieldWriter {
  public:
    explicit FieldWriter(JsonOut& object) : object_(object) {}

    template <typename Value, typename Shape>
    void field(const char* name, const Value& value, const Shape& shape) {
        object_[name] = shape.write(value);
    }
    // Left out when it is empty.
    template <typename Value, typename Shape>
    void maybe(const char* name, const Value& value, const Shape& shape) {
        if constexpr (requires { value.has_value(); }) {
            if (value) field(name, *value, shape);
        } else {
            if (!value.empty()) field(name, value, shape);
        }
    }
    // Left out when it is as usual.
    template <typename Value, typename Shape>
    void unless(const Value& usual, const char* name, const Value& value, const Shape& shape) {
        if (value != usual) field(name, value, shape);
    }
    // Fields of a value that may be absent, among the others. Where it is, so is the field `name`.
    template <typename Value, typename Describe>
    void fields_if(const char*, const std::optional<Value>& value, const Describe& describe) {
        if (value) describe(*this, *value);
    }
    // What is known without being written.
    template <typename Value>
    void imply(const Value&, const Value&) {}
    void check(const char*, bool, const char*) {}

  private:
    JsonOut& object_;
};

class FieldReader {
  public:
    explicit FieldReader(const Place& place);

    template <typename Value, typename Shape>
    void field(const char* name, Value& value, const Shape& shape) {
        const nlohmann::json* found = find(name);
        if (!found) fail(name, "is missing");
        shape.read(Place{*found, &place_, name}, value);
    }
    template <typename Value, typename Shape>
    void maybe(const char* name, Value& value, const Shape& shape) {
        const nlohmann::json* found = find(name);
        if (!found) return;
        if constexpr (requires { value.has_value(); })
            shape.read(Place{*found, &place_, name}, value.emplace());
        else
            shape.read(Place{*found, &place_, name}, value);
    }
    template <typename Value, typename Shape>
    void unless(const Value& usual, const char* name, Value& value, const Shape& shape) {
        value = usual;
        if (const nlohmann::json* found = find(name))
            shape.read(Place{*found, &place_, name}, value);
    }
    template <typename Value, typename Describe>
    void fields_if(const char* name, std::optional<Value>& value, const Describe& describe) {
        value.reset();
        if (place_.value.contains(name)) describe(*this, value.emplace());
    }
    template <typename Value>
    void imply(Value& value, const Value& known) {
        value = known;
    }
    void check(const char* name, bool holds, const char* problem) const {
        if (!holds) fail(name, problem);
    }
    // A field that nobody asked for is an error.
    void finish() const;

  private:
    const nlohmann::json* find(const char* name);
    [[noreturn]] void fail(const char* name, const char* problem) const;

    const Place& place_;
    std::vector<const char*> known_;
};

template <typename Describe>
struct Object {
    Describe describe;

    template <typename Value>
    JsonOut write(const Value& value) const {
        JsonOut object = JsonOut::object();
        FieldWriter writer(object);
        describe(writer, value);
        return object;
    }
    template <typename Value>
    void read(const Place& place, Value& value) const {
        FieldReader reader(place);
        describe(reader, value);
        reader.finish();
    }
};

template <typename Describe>
Object<Describe> object_of(Describe describe) {
    return {describe};
}

// A map, as a list of objects that have the fields of both key and value.
template <typename Describe>
struct Entries {
    Describe describe;

    template <typename Map>
    JsonOut write(const Map& map) const {
        JsonOut list = JsonOut::array();
        for (const auto& [key, value] : map) {
            FieldWriter writer(list.emplace_back(JsonOut::object()));
            describe(writer, key, value);
        }
        return list;
    }
    template <typename Map>
    void read(const Place& place, Map& map) const {
        const std::size_t size = place.list_size(0, std::numeric_limits<std::size_t>::max());
        map.clear();
        for (std::size_t i = 0; i < size; ++i) {
            const Place entry{place.value[i], &place, nullptr, i};
            typename Map::key_type key{};
            typename Map::mapped_type value{};
            FieldReader reader(entry);
            describe(reader, key, value);
            reader.finish();
            if (!map.emplace(std::move(key), std::move(value)).second) entry.fail("is there twice");
        }
    }
};

template <typename Describe>
Entries<Describe> entries_of(Describe describe) {
    return {describe};
}

}  // namespace vnuma
