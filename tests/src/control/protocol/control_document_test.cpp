// docs/control.md is what the code makes of its tables of commands, events and types.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "src/control/protocol/commands.hpp"

namespace vnuma::control {
namespace {

std::string read_document() {
    std::ifstream in(std::string(VNUMA_DOCS) + "/control.md");
    EXPECT_TRUE(in.is_open());
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

// To mend it, let the environment variable VNUMA_WRITE_CONTROL_DOCUMENT have a value.
TEST(ControlDocument, IsWhatTheCodeDescribes) {
    if (std::getenv("VNUMA_WRITE_CONTROL_DOCUMENT"))
        std::ofstream(std::string(VNUMA_DOCS) + "/control.md") << control_document();
    std::istringstream expected(control_document()), found(read_document());
    std::string wanted, line;
    for (int number = 1; std::getline(expected, wanted); ++number) {
        ASSERT_TRUE(std::getline(found, line)) << "docs/control.md ends before line " << number;
        ASSERT_EQ(line, wanted) << "in line " << number << " of docs/control.md";
    }
    EXPECT_FALSE(std::getline(found, line)) << "docs/control.md goes on after its end: " << line;
}

TEST(ControlDocument, HasASectionForEachCommandAndARowForEachEvent) {
    const std::string document = control_document();
    for (const Command& command : commands())
        EXPECT_NE(document.find("\n### " + std::string(command.name) + "\n"), std::string::npos)
            << command.name;
    for (const Event& event : events())
        EXPECT_NE(document.find("| `" + std::string(event.name) + "` | "), std::string::npos)
            << event.name;
}

TEST(ControlDocument, LinksOnlyToItsOwnHeadings) {
    const std::string document = control_document();
    for (std::size_t at = 0; (at = document.find("](#", at)) != std::string::npos;) {
        const std::size_t begin = document.rfind('[', at) + 1;
        const std::string heading = document.substr(begin, at - begin);
        const bool is_there = document.find("\n### " + heading + "\n") != std::string::npos ||
                              heading == "EVENTS_LOST";
        EXPECT_TRUE(is_there) << heading;
        at += 1;
    }
}

TEST(ControlDocument, KeepsItsLinesWithin100ColumnsButInTables) {
    std::istringstream lines(control_document());
    for (std::string line; std::getline(lines, line);)
        if (!line.starts_with("|")) {
            EXPECT_LE(line.size(), 100U) << line;
        }
}

}  // namespace
}  // namespace vnuma::control
