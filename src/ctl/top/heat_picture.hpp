// A guest's memory as blocks: how hot each is, where it is, and who accesses it. Pure.
#pragma once

#include <map>

#include "src/ctl/top/model.hpp"

namespace vnuma::ctl::top {

// A digit or letter for a node: 0-9, a-z, A-Z, and '+' for those from 62 on.
char letter_of_node(int node);

// The character and style of a block. `homes` is the home of each vCPU that has one. Blocks whose
// memory is on another node than the home of the vCPU that accesses it most are drawn in reverse,
// so that they can be seen without colour.
Cell draw_block(const control::HeatBlock& block, HeatMode mode, const std::map<int, int>& homes,
                bool utf8);

std::map<int, int> find_homes(const std::vector<control::CellSummary>& cells);

// Title, blocks and legend of the shown heat map.
void draw_heat_map(Grid& grid, const Model& model);

}  // namespace vnuma::ctl::top
