// The name that was probably meant. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vnuma::control {

// Names are compared by their first bytes up to this number.
inline constexpr std::size_t max_compared_bytes = 64;

// Number of bytes to insert, remove, replace, or swap with their neighbour, to make one text of the
// other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of the names, if it is near enough to be meant: one that begins with the text, or
// that takes at most a third of the text's length, or one edit, to get to. Empty if none is. Of
// several the first one.
std::string nearest_name(std::string_view text, const std::vector<std::string>& names);

}  // namespace vnuma::control
