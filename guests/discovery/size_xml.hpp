// Sizes in libvirt's XML. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pugi {
class xml_node;
}

namespace vnuma {

// No host has more memory, and sums of what a domain has stay within 64 bits.
inline constexpr std::int64_t max_xml_bytes = std::int64_t{1} << 52;

// One of libvirt's scaled integers, in bytes, from 0 to max_xml_bytes. `text` is the number and
// `element` has the unit, which is KiB unless its attribute says otherwise. Nothing for other text.
std::optional<std::int64_t> scaled_bytes(const pugi::xml_node& element, const std::string& text);

// The value of a child element; nothing without that element too.
std::optional<std::int64_t> child_bytes(const pugi::xml_node& parent, const char* child);

// What is wrong where scaled_bytes() returns nothing, as the beginning of a sentence. `what` is the
// place of the size.
std::string size_problem(const std::string& what, const pugi::xml_node& element,
                         const std::string& text);

}  // namespace vnuma
