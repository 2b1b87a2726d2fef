#include "policy/model/number_list.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace vnuma {

namespace {

std::optional<int> parse_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

// The first and the last number of a range such as "3" or "0-3".
std::optional<std::pair<int, int>> parse_range(std::string_view text, int max) {
    const std::size_t dash = text.find('-');
    const auto first = parse_number(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_number(text.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first || *last > max) return std::nullopt;
    return std::pair{*first, *last};
}

// The parts of a list that are separated by commas, without the blanks around them.
std::vector<std::string_view> split_list(std::string_view text) {
    std::vector<std::string_view> parts;
    if (text = trim(text); text.empty()) return parts;
    for (std::size_t comma; (comma = text.find(',')) != std::string_view::npos;) {
        parts.push_back(trim(text.substr(0, comma)));
        text.remove_prefix(comma + 1);
    }
    parts.push_back(trim(text));
    return parts;
}

std::optional<std::vector<int>> parse_list(std::string_view text, int max) {
    std::set<int> numbers;
    int named = 0;
    for (std::string_view part : split_list(text)) {
        const bool exclude = part.starts_with('^');
        if (exclude) part.remove_prefix(1);
        const auto range = parse_range(part, max);
        if (!range) return std::nullopt;
        // A short text must not cost much work by naming the same numbers many times.
        named += range->second - range->first + 1;
        if (named > 4 * (max + 1)) return std::nullopt;
        for (int number = range->first; number <= range->second; ++number) {
            if (exclude)
                numbers.erase(number);
            else
                numbers.insert(number);
        }
    }
    return std::vector<int>(numbers.begin(), numbers.end());
}

}  // namespace

std::optional<std::vector<int>> parse_number_list(std::string_view text) {
    return parse_list(text, max_list_number);
}

std::optional<std::vector<int>> parse_node_list(std::string_view text) {
    auto nodes = parse_list(text, max_node_number);
    if (nodes && nodes->empty()) return std::nullopt;
    return nodes;
}

std::optional<std::vector<int>> parse_node_sequence(std::string_view text) {
    std::vector<int> nodes;
    for (const std::string_view part : split_list(text)) {
        const auto range = parse_range(part, max_node_number);
        if (!range) return std::nullopt;
        for (int node = range->first; node <= range->second; ++node)
            nodes.push_back(node);
        if (nodes.size() > max_node_sequence) return std::nullopt;
    }
    if (nodes.empty()) return std::nullopt;
    return nodes;
}

std::string format_number_list(const std::vector<int>& numbers) {
    std::string text;
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t last = i;
        while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1)
            ++last;
        if (!text.empty()) text += ',';
        text += std::to_string(numbers[i]);
        if (last > i) text += '-' + std::to_string(numbers[last]);
        i = last + 1;
    }
    return text;
}

std::vector<int> sorted_unique(std::vector<int> numbers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

std::vector<int> remove_others(std::vector<int>& numbers, const std::vector<int>& allowed) {
    const auto others = std::stable_partition(numbers.begin(), numbers.end(), [&](int number) {
        return std::find(allowed.begin(), allowed.end(), number) != allowed.end();
    });
    std::vector<int> removed(others, numbers.end());
    numbers.erase(others, numbers.end());
    return removed;
}

}  // namespace vnuma
