// The tables of nodes and of guests. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "src/control/protocol/status.hpp"
#include "src/ctl/top/table.hpp"

namespace vnuma::ctl::top {

// Of the first `count` nodes.
Table tabulate_nodes(const control::Status& status, std::size_t count);

// Of the guests with these indices.
Table tabulate_guests(const std::vector<control::GuestSummary>& guests,
                      const std::vector<std::size_t>& shown);

// Of the cells and shards of a guest.
Table tabulate_cells(const std::vector<control::CellSummary>& cells);

// Colour of a node in pictures, and of what is being done.
Colour colour_of_node(int node);
Style style_of(control::Doing doing);

}  // namespace vnuma::ctl::top
