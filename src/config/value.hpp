// The kinds of values that keys of a configuration file have: how each is read, checked and
// printed.
#pragma once

#include <toml++/toml.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "policy/model/types.hpp"

namespace vnuma::config_text {

struct Value {
    // Stores a value of the file. Returns what is wrong with it, or an empty string.
    std::function<std::string(const toml::node&)> set;
    // The stored value as TOML writes it; nothing where there is none.
    std::function<std::optional<std::string>()> print;
    std::string range{};  // for the document; Markdown
};

// All of them refer to their targets, which must outlive them.

// Durations and sizes are strings with a unit, as in systemd's files: "500ms", "256M".
Value duration(std::chrono::milliseconds& target, std::chrono::milliseconds least,
               std::chrono::milliseconds most);
Value duration_ms(Millis& target, std::chrono::milliseconds least, std::chrono::milliseconds most);
Value size(Bytes& target, Bytes least, Bytes most);
// A share from 0 to below 1, kept in thousandths.
Value share(PerMille& target);
Value share(int& target);
Value text(std::string& target);
Value text_or_empty(std::string& target);
// A list of at least one string, none of them empty.
Value text_list(std::vector<std::string>& target, std::string range);
Value flag(bool& target);
Value whole(std::optional<int>& target, int least, int most);
Value whole(int& target, int least, int most);
// The kernel's list of nodes, "0-1,3".
Value node_list(std::optional<std::vector<int>>& target);
// Homes of cells in their order: "1,0".
Value node_sequence(std::optional<std::vector<int>>& target);

// A date and time with an offset, 2026-12-01T14:30:00Z, or milliseconds since 1970. Kept in
// milliseconds since 1970.
Value point_in_time(std::optional<std::int64_t>& target);
// "2026-12-01T14:30:00Z"; with milliseconds if there are any.
std::string print_time(std::int64_t ms_since_1970);
inline constexpr std::int64_t max_time_ms = 253'402'300'799'999;  // the end of the year 9999

template <typename Word>
using Words = std::vector<std::pair<Word, std::string>>;

// One name of a few. `Target` is Word, or an optional of it.
template <typename Word, typename Target>
Value word(Target& target, Words<Word> words);

// Returns the names in an enum's table, such as vnuma::modes: those of the values in `some`, or all
// of them if it is empty.
template <typename Word, std::size_t count>
Words<Word> words_of(const std::array<std::pair<Word, const char*>, count>& table,
                     const std::vector<Word>& some = {});

std::string quote(const std::string& text);
std::string quote(const std::vector<std::string>& texts);  // as a list of TOML

// ---- templates

template <typename Word, typename Target>
Value word(Target& target, Words<Word> words) {
    std::string list, range;
    for (const auto& [value, name] : words) {
        list += (list.empty() ? "" : ", ") + quote(name);
        range += (range.empty() ? "`" : ", `") + quote(name) + "`";
    }
    auto set = [&target, words, list](const toml::node& node) -> std::string {
        const auto text = node.is_string() ? node.value<std::string>() : std::nullopt;
        for (const auto& [value, name] : words) {
            if (name != text) continue;
            target = value;
            return "";
        }
        return "must be one of " + list;
    };
    auto print = [&target, words]() -> std::optional<std::string> {
        for (const auto& [value, name] : words)
            if (target == value) return quote(name);
        return std::nullopt;
    };
    return {std::move(set), std::move(print), range};
}

template <typename Word, std::size_t count>
Words<Word> words_of(const std::array<std::pair<Word, const char*>, count>& table,
                     const std::vector<Word>& some) {
    Words<Word> words;
    for (const auto& [value, name] : table) {
        bool wanted = some.empty();
        for (const Word one : some)
            wanted |= one == value;
        if (wanted) words.emplace_back(value, name);
    }
    return words;
}

}  // namespace vnuma::config_text
