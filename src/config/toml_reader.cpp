#include "src/config/toml_reader.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "src/config/config.hpp"

namespace vnuma::config_text {

toml::table TomlReader::parse(const std::string& content) {
    try {
        return toml::parse(content, origin_);
    } catch (const toml::parse_error& error) {
        add_problem(error.source().begin.line, "", std::string(error.description()));
    }
    throw_if_any();
    return {};
}

void TomlReader::read(const toml::table& table, const std::string& section,
                      const std::vector<Key>& keys, const std::vector<std::string>& subsections) {
    for (const auto& [name, node] : table) {
        const std::string path = path_of(section, std::string(name.str()));
        const auto key =
            std::find_if(keys.begin(), keys.end(),
                         [wanted = name.str()](const Key& one) { return one.name == wanted; });
        if (key != keys.end()) {
            const std::string problem = key->value.set(node);
            if (!problem.empty()) add_problem(node.source().begin.line, path, problem);
        } else if (std::find(subsections.begin(), subsections.end(), name.str()) ==
                   subsections.end()) {
            add_problem(name.source().begin.line, path, "unknown key");
        } else if (!node.is_table()) {
            add_problem(node.source().begin.line, path, "must be a section: [" + path + "]");
        }
    }
}

void TomlReader::add_problem(unsigned line, const std::string& path, const std::string& problem) {
    problems_[line].push_back(origin_ + ":" + std::to_string(line) + ": " +
                              (path.empty() ? "" : path + ": ") + problem);
}

std::vector<std::string> TomlReader::problems() const {
    std::vector<std::string> all;
    for (const auto& [line, found] : problems_)
        all.insert(all.end(), found.begin(), found.end());
    return all;
}

void TomlReader::throw_if_any() const {
    if (!problems_.empty()) throw ConfigError(problems());
}

std::string to_toml(const std::string& section, const std::vector<Key>& keys) {
    std::ostringstream out;
    if (!section.empty()) out << "\n[" << section << "]\n";
    for (const Key& key : keys)
        if (const auto value = key.value.print()) out << key.name << " = " << *value << "\n";
    return out.str();
}

std::string path_of(const std::string& section, const std::string& key) {
    const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
        return c < 128 && (std::isalnum(c) || c == '_' || c == '-');
    });
    return (section.empty() ? "" : section + ".") + (bare ? key : quote(key));
}

}  // namespace vnuma::config_text
