#include <algorithm>
#include <charconv>
#include <pugixml.hpp>

#include "guests/discovery/domain_xml.hpp"
#include "guests/discovery/xml_text.hpp"
#include "policy/model/number_list.hpp"

// Whoever may edit a domain may write its metadata. So there is a limit on everything that is read,
// and a problem repeats no more of it than a name, in printable characters.
namespace vnuma {
namespace {

constexpr std::size_t max_elements = 256;     // of <metadata>, those of other applications included
constexpr std::size_t max_attributes = 32;    // of <policy>, declarations of namespaces included
constexpr std::size_t max_value_bytes = 256;  // of an attribute
constexpr std::size_t max_problems = 16;

// pugixml does not resolve namespaces. The prefix of "a:policy" stands for what the nearest
// attribute xmlns:a declares, and no prefix for what xmlns declares.
struct QualifiedName {
    explicit QualifiedName(std::string_view name) {
        const std::size_t colon = name.find(':');
        prefix = colon == std::string_view::npos ? "" : name.substr(0, colon);
        local = colon == std::string_view::npos ? name : name.substr(colon + 1);
    }
    std::string_view prefix, local;
};

// Whether the element is in vnumad's namespace.
bool is_ours(const pugi::xml_node& element) {
    const QualifiedName name(element.name());
    const std::string declaration =
        name.prefix.empty() ? "xmlns" : "xmlns:" + std::string(name.prefix);
    for (pugi::xml_node node = element; node; node = node.parent())
        if (const pugi::xml_attribute found = node.attribute(declaration.c_str()))
            return std::string_view(found.value()) == policy_namespace;
    return false;
}

bool is_declaration(std::string_view name) {
    return name == "xmlns" || name.starts_with("xmlns:");
}

// Each store function sets `target` and returns an empty string, or returns what is wrong.
template <typename Value>
std::string store(std::optional<Value> value, std::optional<Value>& target, const char* error) {
    if (!value) return error;
    target = std::move(value);
    return "";
}

template <typename Table, typename Value>
std::string store_word(const Table& words, std::string_view text, std::optional<Value>& target) {
    if ((target = find_by_name(words, text))) return "";
    std::string all;
    for (const auto& [value, word] : words)
        all += (all.empty() ? "" : ", ") + std::string(word);
    return "must be one of " + all;
}

std::string store_group(std::string_view text, std::optional<std::string>& target) {
    if (!text.empty() && !is_group_name(text))
        return "must be a name of at most " + std::to_string(max_group_name) +
               " letters, digits, '.', '_' and '-'";
    target = text;
    return "";
}

std::string store_priority(std::string_view text, std::optional<int>& target) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < min_priority ||
        number > max_priority)
        return "must be an integer from " + std::to_string(min_priority) + " to " +
               std::to_string(max_priority);
    target = number;
    return "";
}

// Returns what is wrong with the attribute, or an empty string.
std::string read_attribute(std::string_view key, std::string_view text,
                           PolicyOverrides& overrides) {
    if (text.size() > max_value_bytes)
        return "must not be longer than " + std::to_string(max_value_bytes) + " bytes";
    if (key == "mode") return store_word(modes, text, overrides.mode);
    if (key == "memory") return store_word(memory_policies, text, overrides.memory);
    if (key == "group") return store_group(text, overrides.group);
    if (key == "priority") return store_priority(text, overrides.priority);
    if (key == "nodes")
        return store(parse_node_list(text), overrides.nodes,
                     "must be a list of nodes, such as 0-1,3");
    if (key == "home")
        return store(parse_node_sequence(text), overrides.home,
                     "must be one node for all cells or one for each, such as 0 or 1,0");
    return "is not an attribute of <policy>";
}

PolicyOverrides read_element(const pugi::xml_node& element, std::vector<std::string>& problems) {
    PolicyOverrides overrides;
    std::size_t seen = 0;
    for (const pugi::xml_attribute& attribute : element.attributes()) {
        const std::string_view key = attribute.name();
        if (++seen > max_attributes) {
            problems.push_back("metadata: policy: must not have more than " +
                               std::to_string(max_attributes) + " attributes");
            break;
        }
        if (is_declaration(key)) continue;
        const bool repeated = element.attribute(attribute.name()) != attribute;
        const std::string problem =
            repeated ? "must not be repeated" : read_attribute(key, attribute.value(), overrides);
        if (!problem.empty()) problems.push_back("metadata: " + printable(key) + ": " + problem);
    }
    if (element.first_child()) problems.push_back("metadata: policy: must be empty");
    return overrides;
}

}  // namespace

PolicyOverrides parse_policy(const pugi::xml_node& domain, std::vector<std::string>& problems) {
    pugi::xml_node policy;
    std::size_t seen = 0;
    for (const pugi::xml_node& element : domain.child("metadata").children()) {
        if (element.type() != pugi::node_element) continue;
        if (++seen > max_elements) {
            problems.push_back("metadata: policy: must be among the first " +
                               std::to_string(max_elements) + " elements of <metadata>");
            break;
        }
        if (!is_ours(element)) continue;
        const QualifiedName name(element.name());
        if (name.local != "policy")
            problems.push_back("metadata: " + printable(name.local) +
                               ": is not an element of vnumad's namespace");
        else if (policy)
            problems.push_back("metadata: policy: must not be repeated; the first one is used");
        else
            policy = element;
    }
    PolicyOverrides overrides = read_element(policy, problems);
    if (problems.size() > max_problems) problems.resize(max_problems);
    if (!problems.empty())
        overrides.mode = std::min(overrides.mode.value_or(Mode::observe), Mode::observe);
    return overrides;
}

}  // namespace vnuma
