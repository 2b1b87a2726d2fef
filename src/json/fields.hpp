// Objects as JSON (shapes.hpp). A function describes an object by naming each field, with its shape
// and maybe its meaning for readers, to `io`: a FieldWriter, a FieldReader, which refuses fields
// that were not named, or a FieldSchema.
#pragma once

#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "src/json/schema.hpp"
#include "src/json/shapes.hpp"

namespace vnuma {

class FieldWriter {
  public:
    explicit FieldWriter(JsonOut& object) : object_(object) {}

    // The name of the type, for schemas and documents.
    void type(const char*) {}

    template <typename Value, typename Shape>
    void field(const char* name, const Value& value, const Shape& shape, const char* = nullptr) {
        object_[name] = shape.write(value);
    }
    // Left out if the value is empty.
    template <typename Value, typename Shape>
    void maybe(const char* name, const Value& value, const Shape& shape, const char* = nullptr) {
        if constexpr (requires { value.has_value(); }) {
            if (value) field(name, *value, shape);
        } else {
            if (!value.empty()) field(name, value, shape);
        }
    }
    // Left out if the value is `usual`.
    template <typename Value, typename Shape>
    void unless(const Value& usual, const char* name, const Value& value, const Shape& shape,
                const char* = nullptr) {
        if (value != usual) field(name, value, shape);
    }
    // The fields of an optional struct, among the others of this object. The optional has a value
    // if and only if the object has the field `name`.
    template <typename Value, typename Describe>
    void fields_if(const char*, const std::optional<Value>& value, const Describe& describe,
                   const char* = nullptr) {
        if (value) describe(*this, *value);
    }
    // A value that follows from others and is not written.
    template <typename Value>
    void imply(const Value&, const Value&) {}
    // A condition on the field `name` that its shape cannot express.
    void check(const char*, bool, const char*) {}

  private:
    JsonOut& object_;
};

class FieldReader {
  public:
    explicit FieldReader(const JsonIn& object);

    void type(const char*) {}

    template <typename Value, typename Shape>
    void field(const char* name, Value& value, const Shape& shape, const char* = nullptr) {
        const nlohmann::json* found = find(name);
        if (!found) fail(name, "is missing");
        shape.read(JsonIn{*found, &object_, name}, value);
    }
    template <typename Value, typename Shape>
    void maybe(const char* name, Value& value, const Shape& shape, const char* = nullptr) {
        const nlohmann::json* found = find(name);
        if (!found) return;
        if constexpr (requires { value.has_value(); })
            shape.read(JsonIn{*found, &object_, name}, value.emplace());
        else
            shape.read(JsonIn{*found, &object_, name}, value);
    }
    template <typename Value, typename Shape>
    void unless(const Value& usual, const char* name, Value& value, const Shape& shape,
                const char* = nullptr) {
        value = usual;
        if (const nlohmann::json* found = find(name))
            shape.read(JsonIn{*found, &object_, name}, value);
    }
    template <typename Value, typename Describe>
    void fields_if(const char* name, std::optional<Value>& value, const Describe& describe,
                   const char* = nullptr) {
        value.reset();
        if (object_.value.contains(name)) describe(*this, value.emplace());
    }
    template <typename Value>
    void imply(Value& value, const Value& known) {
        value = known;
    }
    void check(const char* name, bool holds, const char* problem) const {
        if (!holds) fail(name, problem);
    }
    // Call after the last field. A field that was not named is an error, unless such fields are
    // ignored.
    void finish() const;

  private:
    const nlohmann::json* find(const char* name);
    [[noreturn]] void fail(const char* name, const char* problem) const;

    const JsonIn& object_;
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
    void read(const JsonIn& in, Value& value) const {
        FieldReader reader(in);
        describe(reader, value);
        reader.finish();
    }
    template <typename Value>
    JsonOut schema() const {
        FieldSchema schema;
        Value value{};
        describe(schema, value);
        return schema.take();
    }
};

template <typename Describe>
Object<Describe> object_of(Describe describe) {
    return {describe};
}

// Calls the function `describe` that is in the namespace of the value's type.
struct DescribeByType {
    template <typename Io, typename Value>
    void operator()(Io& io, Value& value) const {
        describe(io, value);
    }
};
// The shape of every type that has such a function.
inline constexpr Object<DescribeByType> described{};

// A map as an array of objects. Each has the fields of both key and value.
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
    void read(const JsonIn& in, Map& map) const {
        const std::size_t size = in.list_size(0, std::numeric_limits<std::size_t>::max());
        map.clear();
        for (std::size_t i = 0; i < size; ++i) {
            const JsonIn entry{in.value[i], &in, nullptr, i};
            typename Map::key_type key{};
            typename Map::mapped_type value{};
            FieldReader reader(entry);
            describe(reader, key, value);
            reader.finish();
            if (!map.emplace(std::move(key), std::move(value)).second)
                entry.fail("has a key that the array has already");
        }
    }
    template <typename Map>
    JsonOut schema() const {
        FieldSchema schema;
        typename Map::key_type key{};
        typename Map::mapped_type value{};
        describe(schema, key, value);
        return schema_of_list(schema.take(), 0, std::numeric_limits<std::size_t>::max());
    }
};

template <typename Describe>
Entries<Describe> entries_of(Describe describe) {
    return {describe};
}

}  // namespace vnuma
