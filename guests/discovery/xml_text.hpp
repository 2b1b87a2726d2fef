// Text of XML elements and attributes. Pure.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace vnuma {

// The text as an error message may repeat it: the beginning, in printable ASCII, so that whoever
// edits a domain cannot write anything else into a log.
inline constexpr std::size_t max_printed_bytes = 32;
inline std::string printable(std::string_view text) {
    std::string printed(text.substr(0, max_printed_bytes));
    std::replace_if(
        printed.begin(), printed.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return printed;
}

// A decimal integer in white space, as XML Schema has it. Nothing if the text is anything else.
template <typename Integer = int>
std::optional<Integer> parse_integer(std::string_view text) {
    constexpr std::string_view white_space = " \t\r\n";
    const std::size_t first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos) return std::nullopt;
    text = text.substr(first, text.find_last_not_of(white_space) + 1 - first);
    Integer number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace vnuma
