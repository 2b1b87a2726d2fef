// How values are taken out of a configuration file, and what is said of those that cannot be used.
#pragma once

#include <toml++/toml.h>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/model/types.hpp"

namespace vnuma::config_text {

// Puts a value of the file where it belongs. Returns the problem, or nothing.
using Setter = std::function<std::string(const toml::node&)>;
using Keys = std::map<std::string, Setter>;

// Goes over a file and collects its problems.
class TomlReader {
  public:
    explicit TomlReader(std::string origin) : origin_(std::move(origin)) {}

    // Throws ConfigError when the text is no TOML.
    toml::table parse(const std::string& content);
    // What is neither a key nor a subsection is a problem.
    void read(const toml::table& table, const std::string& section, const Keys& keys,
              const std::vector<std::string>& subsections);
    void complain(unsigned line, const std::string& path, const std::string& problem);
    // Throws ConfigError with all problems in the order of their lines.
    void throw_if_any() const;

  private:
    std::string origin_;
    std::map<unsigned, std::vector<std::string>> problems_;  // by line
};

// Numbers with a unit are strings, as in systemd's files: "2s", "256M".
Setter scaled(std::map<std::string, std::int64_t> units, const char* example, std::int64_t least,
              std::int64_t most, std::function<void(std::int64_t)> store);
Setter duration(std::chrono::milliseconds least, std::chrono::milliseconds most,
                std::function<void(std::int64_t)> store);
Setter share(std::function<void(PerMille)> store);
Setter whole(int least, int most, std::function<void(int)> store);
Setter text(std::string& target);
Setter text_or_none(std::string& target);  // may be empty
Setter flag(bool& target);
// The kernel's list, "0-1,3".
Setter node_list(std::optional<std::vector<int>>& target);
// Homes of cells in their order: "1,0".
Setter node_sequence(std::optional<std::vector<int>>& target);

template <typename Value>
using Words = std::vector<std::pair<std::string, Value>>;

// One of a few words.
template <typename Value, typename Target>
Setter word(Target& target, Words<Value> words) {
    return [&target, words](const toml::node& node) -> std::string {
        const std::string text = node.is_string() ? *node.value<std::string>() : "";
        std::string all;
        for (const auto& [known, value] : words) {
            all += (all.empty() ? "\"" : ", \"") + known + "\"";
            if (known != text) continue;
            target = value;
            return "";
        }
        return "wants one of " + all;
    };
}

template <typename Value>
Words<Value> named(std::initializer_list<Value> values) {
    Words<Value> words;
    for (const Value value : values)
        words.emplace_back(name(value), value);
    return words;
}

template <typename Value, std::size_t count>
Words<Value> named(const std::array<std::pair<Value, const char*>, count>& table) {
    Words<Value> words;
    for (const auto& [value, word] : table)
        words.emplace_back(word, value);
    return words;
}

// As TOML writes a text, and the path of a key; a key that is more than letters and digits is a
// text.
std::string quoted(const std::string& text);
std::string path_of(const std::string& section, const std::string& key);

}  // namespace vnuma::config_text
