// Every key of the configuration file but those of guests and groups, which policy_sections.hpp
// has.
#pragma once

#include <string>
#include <vector>

#include "src/config/config.hpp"
#include "src/config/toml_reader.hpp"

namespace vnuma::config_text {

struct Section {
    std::string name;  // "" for the top of the file
    std::vector<Key> keys;
};

// In the order in which they are printed. They refer to `config`, which must outlive them.
std::vector<Section> sections_of(Config& config);

}  // namespace vnuma::config_text
