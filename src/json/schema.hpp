// A JSON Schema of an object, from the function that also writes and reads it (fields.hpp). What
// the schema has of JSON Schema is: type, title, description, properties, required, default, enum,
// items, minItems, maxItems, minimum, maximum, anyOf.
#pragma once

#include <optional>
#include <type_traits>

#include "src/json/shapes.hpp"

namespace vnuma {

// Describe functions name the fields of a value to it that was made by default. Only the type of
// the value counts, and limits that follow from other fields are those of that value.
class FieldSchema {
  public:
    FieldSchema();

    // The schema's title. Two types that one schema has must not have the same one.
    void type(const char* name) { schema_["title"] = name; }

    template <typename Value, typename Shape>
    void field(const char* name, const Value&, const Shape& shape, const char* meaning = nullptr) {
        add(name, shape.template schema<Value>(), meaning);
        require(name);
    }
    template <typename Value, typename Shape>
    void maybe(const char* name, const Value& value, const Shape& shape,
               const char* meaning = nullptr) {
        if constexpr (requires { value.has_value(); })
            add(name, shape.template schema<typename Value::value_type>(), meaning);
        else
            add(name, shape.template schema<Value>(), meaning);
    }
    template <typename Value, typename Shape>
    void unless(const Value& usual, const char* name, const Value&, const Shape& shape,
                const char* meaning = nullptr) {
        JsonOut schema = shape.template schema<Value>();
        schema["default"] = shape.write(usual);
        add(name, std::move(schema), meaning);
    }
    // None of the fields is required. The meaning is that of the field `name`, if its own describe
    // function gives none.
    template <typename Value, typename Describe>
    void fields_if(const char* name, const std::optional<Value>&, const Describe& describe,
                   const char* meaning = nullptr) {
        FieldSchema inner;
        Value value{};
        describe(inner, value);
        add_optional(inner, name, meaning);
    }
    template <typename Value>
    void imply(const Value&, const Value&) {}
    void check(const char*, bool, const char*) {}

    JsonOut take() { return std::move(schema_); }

  private:
    void add(const char* name, JsonOut schema, const char* meaning);
    void require(const char* name);
    void add_optional(const FieldSchema& inner, const char* name, const char* meaning);

    JsonOut schema_;
};

}  // namespace vnuma
