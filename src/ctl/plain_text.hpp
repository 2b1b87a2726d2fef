// UTF-8 text on a terminal: what can be shown, how wide it is, where it is cut and wrapped. Pure.
// Widths are columns of the terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vnuma::ctl {

// Shown in place of whatever must not reach a terminal: control characters, characters that change
// the direction of writing or have no width of their own, and bytes that are not UTF-8.
inline constexpr char32_t replacement = U'?';

// Takes the first character off `text`, which must not be empty. The result can be shown as it is;
// without `utf8` it is ASCII.
char32_t take_character(std::string_view& text, bool utf8);

int width_of(char32_t character);  // 1, or 2 for CJK
int width_of(std::string_view text, bool utf8);

// `text`, or as much of its begin as fits with a mark that it was cut.
std::string cut_text(std::string_view text, int width, bool utf8);

// Lines of at most `width` columns (at least 1), broken at spaces where that is possible.
std::vector<std::string> wrap_text(std::string_view text, int width, bool utf8);

void append_utf8(std::string& text, char32_t character);

}  // namespace vnuma::ctl
