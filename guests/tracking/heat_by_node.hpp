// Where a guest's heat is: on which host nodes.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "guests/pages.hpp"
#include "guests/tracking/heat.hpp"

namespace vnuma {

// Chunks whose node is asked for in one look, evenly chosen: about 25 ms of move_pages(2).
inline constexpr std::size_t max_chunks_asked = 64 * 1024;

using HeatByNode = std::map<int, std::int64_t>;  // bytes, each weighted by its heat

// One page of each chunk stands for it, another one in each pass. `owner` is the cell of each of
// the grid's ranges. Throws std::system_error; ends early when the process has ended.
std::map<int, HeatByNode> read_heat_by_cell(const Process& process, PageReader& reader,
                                            const HeatTable& table, std::span<const int> owner,
                                            std::uint64_t pass);

}  // namespace vnuma
