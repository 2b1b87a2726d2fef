// What is between cells and shards of one guest: accesses to each other's memory, and that its
// kernel believes its cells to be apart. Pure.
#pragma once

#include "policy/units.hpp"

namespace vnuma {

// Units of one guest are one after the other.
void link_cells(std::vector<Unit>& units, const std::map<std::string, Shards>& shards);

}  // namespace vnuma
