// Lists of CPU and node numbers as the kernel, libvirt and people write them. Pure: text that is no
// list gives std::nullopt.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma {

inline constexpr int max_list_number = 65535;

// "0-3,8" as cpulists and nodelists have it, and libvirt's "0-4,^2". Sorted, without repetition.
std::optional<std::vector<int>> parse_number_list(std::string_view text);

// What people write of nodes: a list as above, and not an empty one.
inline constexpr int max_node_number = 1023;  // the kernel's MAX_NUMNODES is 1024 at most
std::optional<std::vector<int>> parse_node_list(std::string_view text);

// The nodes of a sequence of things: the same without '^', in the order written, with repetitions.
inline constexpr std::size_t max_node_sequence = 1024;
std::optional<std::vector<int>> parse_node_sequence(std::string_view text);

// The list in the kernel's short form; of a sequence, the same sequence.
std::string format_number_list(const std::vector<int>& numbers);

}  // namespace vnuma
