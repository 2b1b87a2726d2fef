// What can be told of a line of JSON without parsing it, in one pass and without memory. Pure.
//
// The parser can limit depth and memory only through a callback that halves its speed. Up to the
// first byte that is not JSON, where the parser stops, both count the same.
#pragma once

#include <cstddef>
#include <string_view>

namespace vnuma::qmp {

// Limit of the depth of arrays and objects in a message. QEMU's own parser stops at 1024.
inline constexpr int max_nesting = 64;

struct Outline {
    // Nested more than max_nesting levels deep. Then nothing else is known.
    bool too_deep = false;
    bool event = false;      // an event, if it is a message at all
    std::size_t values = 1;  // at least as many as the line has, members and elements included
};

Outline outline_of(std::string_view line);

// The memory that a line takes while it is parsed, estimated from above: a value has a node and a
// place in a container that doubles when it grows, and a text is in two buffers that double.
inline std::size_t parsed_bytes(const Outline& outline, std::string_view line) {
    constexpr std::size_t bytes_of_value = 128;
    return outline.values * bytes_of_value + 4 * line.size();
}

}  // namespace vnuma::qmp
