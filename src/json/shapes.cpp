#include "src/json/shapes.hpp"

namespace vnuma {
namespace {

std::string range(std::int64_t least, std::int64_t most) {
    return std::to_string(least) + (least == most ? "" : " to " + std::to_string(most));
}

}  // namespace

std::string quoted(const std::string& text) {
    constexpr std::size_t most_shown = 40;
    return nlohmann::json(text.substr(0, most_shown))
        .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string JsonIn::path() const {
    if (!parent) return "";
    const std::string above = parent->path();
    if (!name) return above + "[" + std::to_string(index) + "]";
    return above.empty() ? name : above + "." + name;
}

void JsonIn::fail(const std::string& problem) const {
    throw FormatError(path(), problem);
}

std::int64_t JsonIn::number(std::int64_t least, std::int64_t most) const {
    if (!value.is_number_integer()) fail("must be an integer");
    const bool too_large =
        value.is_number_unsigned() &&
        value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (too_large || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
        fail("is " + value.dump() + ", must be " + range(least, most));
    return value.get<std::int64_t>();
}

const std::string& JsonIn::text() const {
    if (!value.is_string()) fail("must be a string");
    return value.get_ref<const std::string&>();
}

bool JsonIn::flag() const {
    if (!value.is_boolean()) fail("must be true or false");
    return value.get<bool>();
}

std::size_t JsonIn::list_size(std::size_t least, std::size_t most) const {
    if (!value.is_array()) fail("must be an array");
    const std::size_t size = value.size();
    if (size < least || size > most)
        fail("has " + std::to_string(size) + " elements, must have " +
             range(static_cast<std::int64_t>(least), static_cast<std::int64_t>(most)));
    return size;
}

JsonOut schema_of_type(const char* type) {
    JsonOut schema = JsonOut::object();
    schema["type"] = type;
    return schema;
}

JsonOut schema_of_numbers(std::int64_t least, std::int64_t most) {
    JsonOut schema = schema_of_type("integer");
    if (least != std::numeric_limits<std::int64_t>::min()) schema["minimum"] = least;
    if (most != std::numeric_limits<std::int64_t>::max()) schema["maximum"] = most;
    return schema;
}

JsonOut schema_of_list(JsonOut item, std::size_t least, std::size_t most) {
    JsonOut schema = schema_of_type("array");
    schema["items"] = std::move(item);
    if (least > 0) schema["minItems"] = least;
    if (most != std::numeric_limits<std::size_t>::max()) schema["maxItems"] = most;
    return schema;
}

JsonOut SomeNodes::write(NodeSet set) const {
    JsonOut list = JsonOut::array();
    for (std::size_t n = 0; n < max_host_nodes; ++n)
        if (set.contains(NodeIndex(n))) list.push_back(n);
    return list;
}

void SomeNodes::read(const JsonIn& in, NodeSet& set) const {
    set = NodeSet();
    const std::size_t size = in.list_size(0, nodes);
    for (std::size_t i = 0; i < size; ++i) {
        const JsonIn one{in.value[i], &in, nullptr, i};
        NodeIndex node;
        OneNode{nodes}.read(one, node);
        if (set.contains(node)) one.fail("is a node that the array has already");
        set.insert(node);
    }
}

}  // namespace vnuma
