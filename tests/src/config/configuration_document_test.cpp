// docs/configuration.md has the keys, defaults, ranges and meanings that the code describes.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "src/config/config_keys.hpp"
#include "src/config/policy_sections.hpp"

namespace vnuma {
namespace {

using config_text::Key;

std::string read_document() {
    std::ifstream in(std::string(VNUMA_DOCS) + "/configuration.md");
    EXPECT_TRUE(in.is_open());
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string row_of(const std::string& section, const Key& key) {
    const auto value = key.value.print();
    return "| `" + (section.empty() ? "" : section + ".") + key.name + "` | " +
           (value ? "`" + *value + "`" : "none") + " | " +
           (key.value.range.empty() ? "a string" : key.value.range) + " | " + key.meaning + " |";
}

// All rows of the document's tables, in their order.
std::vector<std::string> expected_rows() {
    Config config;
    std::vector<std::string> rows;
    const auto add = [&](const std::string& section, const std::vector<Key>& keys) {
        for (const Key& key : keys)
            rows.push_back(row_of(section, key));
    };
    for (const auto& section : config_text::sections_of(config))
        add(section.name, section.keys);
    PolicyOverrides guest;
    GroupOverrides group;
    add("policy", config_text::policy_keys(config.policy.defaults));
    add("ceiling", config_text::ceiling_keys(config.policy));
    add("guest.NAME", config_text::guest_keys(guest, config.policy));
    add("cgroup.PATH", config_text::guest_keys(guest, config.policy));
    add("group.NAME", config_text::group_keys(group));
    return rows;
}

TEST(ConfigurationDocument, HasEveryKeyWithItsDefaultRangeAndMeaning) {
    const std::string document = read_document();
    std::size_t at = 0;
    for (const std::string& row : expected_rows()) {
        const std::size_t found = document.find(row + "\n", at);
        EXPECT_NE(found, std::string::npos) << "missing or not in this place:\n" << row;
        if (found != std::string::npos) at = found;
    }
}

TEST(ConfigurationDocument, HasNoKeyThatDoesNotExist) {
    const auto rows = expected_rows();
    std::istringstream lines(read_document());
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("| `")) {
            EXPECT_NE(std::find(rows.begin(), rows.end(), line), rows.end()) << line;
        }
}

}  // namespace
}  // namespace vnuma
