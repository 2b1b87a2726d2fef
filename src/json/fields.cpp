#include "src/json/fields.hpp"

#include <algorithm>

namespace vnuma {

FieldReader::FieldReader(const JsonIn& object) : object_(object) {
    if (!object.value.is_object()) object.fail("must be an object");
}

const nlohmann::json* FieldReader::find(const char* name) {
    known_.push_back(name);
    const auto found = object_.value.find(name);
    return found == object_.value.end() ? nullptr : &*found;
}

void FieldReader::fail(const char* name, const char* problem) const {
    JsonIn{object_.value, &object_, name}.fail(problem);
}

void FieldReader::finish() const {
    if (object_.ignores_unknown()) return;
    for (const auto& field : object_.value.items()) {
        const bool known = std::any_of(known_.begin(), known_.end(),
                                       [&](const char* name) { return field.key() == name; });
        if (!known) object_.fail("has an unknown field " + quoted(field.key()));
    }
}

}  // namespace vnuma
