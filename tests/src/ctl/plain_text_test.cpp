#include "src/ctl/plain_text.hpp"

#include <gtest/gtest.h>

namespace vnuma::ctl {
namespace {

using Lines = std::vector<std::string>;

std::string shown(std::string_view text, bool utf8) {
    std::string all;
    while (!text.empty())
        append_utf8(all, take_character(text, utf8));
    return all;
}

TEST(PlainText, ReplacesWhatWouldChangeTheTerminal) {
    EXPECT_EQ(shown("a\x1b[2Jb\n\x7f", true), "a?[2Jb??");
    EXPECT_EQ(shown("\xc2\x9b", true), "?") << "a control sequence in one character";
    EXPECT_EQ(shown("\xe2\x80\xae", true), "?") << "writing from right to left";
    EXPECT_EQ(shown("\xcc\x81", true), "?") << "a combining mark";
}

TEST(PlainText, ReplacesEachByteThatIsNoUtf8) {
    EXPECT_EQ(shown("\xff\xc3", true), "??");
    EXPECT_EQ(shown("\xc0\x80z", true), "??z") << "an overlong form";
    EXPECT_EQ(shown("\xed\xa0\x80", true), "?") << "a surrogate";
}

TEST(PlainText, WithoutUtf8EverythingIsAscii) {
    EXPECT_EQ(shown("grün", true), "grün");
    EXPECT_EQ(shown("grün", false), "gr?n");
}

TEST(PlainText, CjkHasTwoColumns) {
    EXPECT_EQ(width_of("数据", true), 4);
    EXPECT_EQ(width_of("数据", false), 2);
    EXPECT_EQ(cut_text("数据库", 5, true), "数据…");
    EXPECT_EQ(cut_text("数据库", 4, true), "数…");
}

TEST(PlainText, MarksWhereATextWasCut) {
    EXPECT_EQ(cut_text("accounting", 10, true), "accounting");
    EXPECT_EQ(cut_text("accounting", 9, true), "accounti…");
    EXPECT_EQ(cut_text("accounting", 9, false), "accounti~");
    EXPECT_EQ(cut_text("accounting", 1, false), "~");
    EXPECT_EQ(cut_text("accounting", 0, false), "");
}

TEST(PlainText, WrapsAtSpacesAndBreaksOnlyLongWords) {
    EXPECT_EQ(wrap_text("It runs on node 1.", 8, true), (Lines{"It runs", "on node", "1."}));
    EXPECT_EQ(wrap_text("a bcdefgh i", 4, true), (Lines{"a", "bcde", "fgh", "i"}));
    EXPECT_EQ(wrap_text("", 4, true), Lines{""});
    EXPECT_EQ(wrap_text("数据", 1, true), (Lines{"?", "?"}));
}

}  // namespace
}  // namespace vnuma::ctl
