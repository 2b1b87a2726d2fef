// Lists of CPU and node numbers in the formats of the kernel, libvirt and vnumad's configuration.
// Pure. The parsers return std::nullopt for text in any other format.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma {

inline constexpr int max_list_number = 65535;

// A cpulist or nodelist of the kernel, "0-3,8", with libvirt's exclusions, "0-4,^2". The result is
// sorted and without duplicates.
std::optional<std::vector<int>> parse_number_list(std::string_view text);

// A list of nodes in the same format. It must contain a node.
inline constexpr int max_node_number = 1023;  // the kernel's MAX_NUMNODES is at most 1024
std::optional<std::vector<int>> parse_node_list(std::string_view text);

// One node for each of several cells, "1,0,0-1". The order and duplicates are kept, there are no
// exclusions, and there must be at least one node.
inline constexpr std::size_t max_node_sequence = 1024;
std::optional<std::vector<int>> parse_node_sequence(std::string_view text);

// The shortest text that parses to these numbers in this order.
std::string format_number_list(const std::vector<int>& numbers);

// The same numbers in ascending order and without duplicates.
std::vector<int> sorted_unique(std::vector<int> numbers);

// Removes the numbers that are not in `allowed`, and returns them. Keeps the order of both.
std::vector<int> remove_others(std::vector<int>& numbers, const std::vector<int>& allowed);

}  // namespace vnuma
