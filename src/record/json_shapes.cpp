#include "src/record/json_shapes.hpp"

#include <algorithm>

#include "src/record/record.hpp"

namespace vnuma {

std::string Place::path() const {
    if (!parent) return "";
    const std::string above = parent->path();
    if (!name) return above + "[" + std::to_string(index) + "]";
    return above.empty() ? name : above + "." + name;
}

void Place::fail(const std::string& problem) const {
    throw RecordError(path(), problem);
}

std::int64_t Place::number(std::int64_t least, std::int64_t most) const {
    if (!value.is_number_integer()) fail("wants a whole number");
    const bool too_large =
        value.is_number_unsigned() &&
        value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (too_large || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
        fail("is out of range, which is " + std::to_string(least) + " to " + std::to_string(most));
    return value.get<std::int64_t>();
}

const std::string& Place::text() const {
    if (!value.is_string()) fail("wants a text");
    return value.get_ref<const std::string&>();
}

bool Place::flag() const {
    if (!value.is_boolean()) fail("wants true or false");
    return value.get<bool>();
}

std::size_t Place::list_size(std::size_t least, std::size_t most) const {
    if (!value.is_array()) fail("wants a list");
    const std::size_t size = value.size();
    if (size < least || size > most)
        fail("has " + std::to_string(size) + " values, wants " +
             (least == most ? std::to_string(least)
                            : std::to_string(least) + " to " + std::to_string(most)));
    return size;
}

JsonOut SomeNodes::write(NodeSet set) const {
    JsonOut list = JsonOut::array();
    for (std::size_t n = 0; n < max_host_nodes; ++n)
        if (set.contains(NodeIndex(n))) list.push_back(n);
    return list;
}

void SomeNodes::read(const Place& place, NodeSet& set) const {
    set = NodeSet();
    const std::size_t size = place.list_size(0, nodes);
    for (std::size_t i = 0; i < size; ++i) {
        const Place one{place.value[i], &place, nullptr, i};
        NodeIndex node;
        OneNode{nodes}.read(one, node);
        if (set.contains(node)) one.fail("is there twice");
        set.insert(node);
    }
}

FieldReader::FieldReader(const Place& place) : place_(place) {
    if (!place.value.is_object()) place.fail("wants an object");
}

const nlohmann::json* FieldReader::find(const char* name) {
    known_.push_back(name);
    const auto found = place_.value.find(name);
    return found == place_.value.end() ? nullptr : &*found;
}

void FieldReader::fail(const char* name, const char* problem) const {
    Place{place_.value, &place_, name}.fail(problem);
}

void FieldReader::finish() const {
    constexpr std::size_t most_shown = 40;
    for (const auto& field : place_.value.items()) {
        const bool known = std::any_of(known_.begin(), known_.end(),
                                       [&](const char* name) { return field.key() == name; });
        if (known) continue;
        const nlohmann::json shown = field.key().substr(0, most_shown);
        place_.fail("has an unknown field " +
                    shown.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
    }
}

}  // namespace vnuma
