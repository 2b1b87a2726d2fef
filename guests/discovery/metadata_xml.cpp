#include <algorithm>
#include <charconv>
#include <pugixml.hpp>

#include "guests/discovery/domain_xml.hpp"
#include "guests/process/parse_proc.hpp"
#include "policy/model/number_list.hpp"

// Whoever may edit a domain writes its metadata, so everything here has a limit, and problems
// repeat nothing of it but a name that is made printable.
namespace vnuma {
namespace {

constexpr std::size_t max_elements = 256;   // that are looked at, of all applications
constexpr std::size_t max_attributes = 32;  // of ours, with declarations of namespaces
constexpr std::size_t max_value = 256;      // bytes
constexpr std::size_t max_name = 32;        // bytes that a problem repeats
constexpr std::size_t max_problems = 16;

std::string printable(std::string_view text) {
    std::string name(text.substr(0, max_name));
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c <= ' ' || c > '~'; }, '?');
    return name;
}

// pugixml does not resolve namespaces: "a:policy" is what the nearest xmlns:a says.
struct QualifiedName {
    explicit QualifiedName(std::string_view name) {
        const std::size_t colon = name.find(':');
        prefix = colon == std::string_view::npos ? "" : name.substr(0, colon);
        local = colon == std::string_view::npos ? name : name.substr(colon + 1);
    }
    std::string_view prefix, local;
};

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

// Puts `value` where it belongs and returns "", or returns what is wrong.
template <typename Value>
std::string store(std::optional<Value> value, std::optional<Value>& target, const char* wants) {
    if (!value) return wants;
    target = std::move(value);
    return "";
}

template <typename Table, typename Value>
std::string store_word(const Table& words, std::string_view text, std::optional<Value>& target) {
    if ((target = find_by_name(words, text))) return "";
    std::string all;
    for (const auto& [value, word] : words)
        all += (all.empty() ? "" : ", ") + std::string(word);
    return "wants one of " + all;
}

std::string store_group(std::string_view text, std::optional<std::string>& target) {
    if (!text.empty() && !is_group_name(text)) return "is no name of a group";
    target = text;
    return "";
}

std::string store_priority(std::string_view text, std::optional<int>& target) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < min_priority ||
        number > max_priority)
        return "wants a whole number from " + std::to_string(min_priority) + " to " +
               std::to_string(max_priority);
    target = number;
    return "";
}

std::string read_attribute(std::string_view key, std::string_view text, PolicyOverrides& words) {
    if (text.size() > max_value) return "is too long";
    if (key == "mode") return store_word(modes, text, words.mode);
    if (key == "memory") return store_word(memory_policies, text, words.memory);
    if (key == "group") return store_group(text, words.group);
    if (key == "priority") return store_priority(text, words.priority);
    if (key == "nodes")
        return store(parse_node_list(text), words.nodes, "wants a list of nodes like 0-1,3");
    if (key == "home")
        return store(parse_node_sequence(text), words.home,
                     "wants one node for all cells, or one for each: 0 or 1,0");
    return "is not known";
}

PolicyOverrides read_element(const pugi::xml_node& element, std::vector<std::string>& problems) {
    PolicyOverrides words;
    std::size_t seen = 0;
    for (const pugi::xml_attribute& attribute : element.attributes()) {
        const std::string_view key = attribute.name();
        if (++seen > max_attributes) {
            problems.push_back("metadata: policy: has too many attributes");
            break;
        }
        if (is_declaration(key)) continue;
        const bool repeated = element.attribute(attribute.name()) != attribute;
        const std::string problem =
            repeated ? "is there twice" : read_attribute(key, attribute.value(), words);
        if (!problem.empty()) problems.push_back("metadata: " + printable(key) + ": " + problem);
    }
    if (element.first_child()) problems.push_back("metadata: policy: must be empty");
    return words;
}

}  // namespace

PolicyOverrides parse_policy(const pugi::xml_node& domain, std::vector<std::string>& problems) {
    pugi::xml_node used;
    std::size_t seen = 0;
    for (const pugi::xml_node& element : domain.child("metadata").children()) {
        if (element.type() != pugi::node_element) continue;
        if (++seen > max_elements) {
            problems.push_back("metadata: policy: there are too many elements to look for it");
            break;
        }
        if (!is_ours(element)) continue;
        const QualifiedName name(element.name());
        if (name.local != "policy")
            problems.push_back("metadata: " + printable(name.local) + ": is not known");
        else if (used)
            problems.push_back("metadata: policy: is there more than once, the first is used");
        else
            used = element;
    }
    PolicyOverrides words = read_element(used, problems);
    if (problems.size() > max_problems) problems.resize(max_problems);
    if (!problems.empty()) words.mode = std::min(words.mode.value_or(Mode::observe), Mode::observe);
    return words;
}

}  // namespace vnuma
