// Sentences, wrapped at the terminal's width. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

// One paragraph, with its end. Its first line begins with `first`, the others with as many spaces.
// Where the output is no terminal it has one line. The text is made plain.
std::string paragraph(std::string_view text, const Terminal& terminal, std::string_view first = "");

// A line that names what follows, in bold.
std::string heading(std::string_view text, const Terminal& terminal);

// "1 guest", "2 guests"
std::string count_of(long long count, const char* one, const char* many);

// "a, b and c"
std::string enumerate(const std::vector<std::string>& words);

}  // namespace vnuma::ctl
