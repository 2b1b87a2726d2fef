// Goes over a configuration file and collects its problems.
#pragma once

#include <toml++/toml.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "src/config/value.hpp"

namespace vnuma::config_text {

// One key of a configuration file, described once for reading, printing and docs/configuration.md.
struct Key {
    std::string name;
    Value value;
    std::string meaning{};  // a sentence for the document; Markdown
};

class TomlReader {
  public:
    // `origin` names the text in problems.
    explicit TomlReader(std::string origin) : origin_(std::move(origin)) {}

    // Throws ConfigError when the text is not TOML.
    toml::table parse(const std::string& content);
    // Sets the values of the section's keys. Anything else in it, apart from `subsections`, is a
    // problem. `section` is "" at the top of the file.
    void read(const toml::table& table, const std::string& section, const std::vector<Key>& keys,
              const std::vector<std::string>& subsections = {});
    void add_problem(unsigned line, const std::string& path, const std::string& problem);
    // In the order of their lines.
    std::vector<std::string> problems() const;
    // Throws ConfigError with all problems.
    void throw_if_any() const;

  private:
    std::string origin_;
    std::map<unsigned, std::vector<std::string>> problems_;  // by line
};

// The section as the text of a configuration file, without keys that have no value.
std::string to_toml(const std::string& section, const std::vector<Key>& keys);

// The path of a key in TOML; a key of more than letters, digits, '_' and '-' is quoted.
std::string path_of(const std::string& section, const std::string& key);

}  // namespace vnuma::config_text
