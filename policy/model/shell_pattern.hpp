// Shell patterns as in glob(7). '*' stands for any text, '?' for one byte, "[a-c]" for one byte of
// a set and "[!a-c]" for one that is not in it. Every other byte stands for itself: also '/', since
// a control group's section is meant for the groups below it, and '\', which systemd puts into the
// names of control groups ("[*]" is a literal star). Pure, and the same in every locale.
#pragma once

#include <cstddef>
#include <string_view>

namespace vnuma {

// Whether the text has anything in it that does not stand for itself.
bool is_pattern(std::string_view text);

// Whether the pattern stands for the whole text. Takes at most the product of both lengths.
bool matches_pattern(std::string_view pattern, std::string_view text);

// How many bytes of the pattern stand for themselves: the more, the more specific it is.
std::size_t literal_length(std::string_view pattern);

}  // namespace vnuma
