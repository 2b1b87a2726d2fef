#include "src/json/schema.hpp"

namespace vnuma {

FieldSchema::FieldSchema() : schema_(schema_of_type("object")) {}

void FieldSchema::add(const char* name, JsonOut schema, const char* meaning) {
    if (meaning) schema["description"] = meaning;
    schema_["properties"][name] = std::move(schema);
}

void FieldSchema::require(const char* name) {
    schema_["required"].push_back(name);
}

void FieldSchema::add_optional(const FieldSchema& inner, const char* name, const char* meaning) {
    const auto properties = inner.schema_.find("properties");
    if (properties == inner.schema_.end()) return;
    for (const auto& field : properties->items()) {
        JsonOut schema = field.value();
        if (meaning && field.key() == name && !schema.contains("description"))
            schema["description"] = meaning;
        schema_["properties"][field.key()] = std::move(schema);
    }
}

}  // namespace vnuma
