#include "src/ctl/table.hpp"

#include <gtest/gtest.h>

#include "src/ctl/prose.hpp"

namespace vnuma::ctl {
namespace {

Terminal terminal_of(int width) {
    return {.width = width, .colour = false, .utf8 = true, .headers = true};
}

Table make_table() {
    Table table({{"NAME", Align::left, true},
                 {"MEMORY", Align::right},
                 {"NOTE", Align::left, true, 1},
                 {"ID", Align::right, false, 2}});
    table.add({"database-of-orders", "16 GiB", "on node 0", "12"});
    table.add({"web", "512 MiB", "-", "7"});
    return table;
}

TEST(Table, ColumnsAreAsWideAsTheirTexts) {
    EXPECT_EQ(make_table().print(terminal_of(80)),
              "NAME                 MEMORY  NOTE       ID\n"
              "database-of-orders   16 GiB  on node 0  12\n"
              "web                 512 MiB  -           7\n");
}

TEST(Table, NamesAreCutWhereItIsTooWideAndNumbersAreNot) {
    EXPECT_EQ(make_table().print(terminal_of(36)),
              "NAME           MEMORY  NOTE       ID\n"
              "database-of…   16 GiB  on node 0  12\n"
              "web           512 MiB  -           7\n");
}

TEST(Table, ColumnsOfTheHighestRankAreLeftOutWhereCuttingDoesNotSuffice) {
    EXPECT_EQ(make_table().print(terminal_of(20)),
              "NAME          MEMORY\n"
              "database-o…   16 GiB\n"
              "web          512 MiB\n");
}

TEST(Table, NumbersAreNeverCutHoweverNarrowTheTerminalIs) {
    EXPECT_EQ(make_table().print(terminal_of(5)),
              "NAME     MEMORY\n"
              "datab…   16 GiB\n"
              "web     512 MiB\n");
}

TEST(Table, InAPipeNothingIsCutOrLeftOut) {
    Terminal pipe = terminal_of(0);
    EXPECT_EQ(make_table().print(pipe), make_table().print(terminal_of(200)));
    pipe.headers = false;
    EXPECT_EQ(make_table().print(pipe),
              "database-of-orders   16 GiB  on node 0  12\n"
              "web                 512 MiB  -           7\n");
}

TEST(Table, WithoutUtf8TheMarkOfACutIsATilde) {
    Terminal terminal = terminal_of(20);
    terminal.utf8 = false;
    EXPECT_NE(make_table().print(terminal).find("database-o~"), std::string::npos);
}

TEST(Table, WidthsAreThoseOfCharacters) {
    Table table({{"NAME", Align::left, true}, {"N", Align::right}});
    table.add({"Gr\u00fc\u00dfe", "1"});
    table.add({"plain", "2"});
    EXPECT_EQ(table.print(terminal_of(80)), "NAME   N\nGr\u00fc\u00dfe  1\nplain  2\n");
}

TEST(Table, NamesOfOthersCannotBreakLinesOrChangeTheTerminal) {
    Table table({{"NAME", Align::left, true}});
    table.add({"a\nb\x1b[2J\xc2\x9b"});
    for (const int width : {0, 80})
        EXPECT_EQ(table.print(terminal_of(width)), "NAME\na?b?[2J?\n");
}

TEST(Table, ColoursDoNotCountAsWidth) {
    Table table({{"STATE"}, {"N", Align::right}});
    table.add({{"good", Colour::green}, "1"});
    Terminal terminal = terminal_of(80);
    terminal.colour = true;
    EXPECT_EQ(table.print(terminal),
              "\033[1mSTATE\033[0m  \033[1mN\033[0m\n\033[32mgood\033[0m   1\n");
}

TEST(Prose, SentencesAreWrappedOnATerminalOnly) {
    const std::string text = "Its home is node 1 because its memory is there.";
    EXPECT_EQ(paragraph(text, terminal_of(30), "- "),
              "- Its home is node 1 because\n  its memory is there.\n");
    EXPECT_EQ(paragraph(text, terminal_of(0), "- "), "- " + text + "\n");
}

TEST(Prose, CountsAndListsAreWords) {
    EXPECT_EQ(count_of(1, "guest", "guests"), "1 guest");
    EXPECT_EQ(count_of(0, "guest", "guests"), "0 guests");
    EXPECT_EQ(enumerate({"a", "b", "c"}), "a, b and c");
    EXPECT_EQ(enumerate({}), "");
}

}  // namespace
}  // namespace vnuma::ctl
