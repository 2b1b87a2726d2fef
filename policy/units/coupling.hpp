// What is between cells and shards of one guest: accesses to each other's memory, and that its
// kernel believes its cells to be apart. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "policy/units/split.hpp"
#include "policy/units/unit.hpp"

namespace vnuma {

// Share of a cell's accesses that go to other cells of its guest: its kernel allocates locally and
// schedules at home, so few; enough to keep neighbours on neighbours. An assumption.
inline constexpr PerMille cross_cell_share = 125;
inline constexpr MilliCpu sibling_use = 250;
inline MilliCpu use_as_sibling(MilliCpu use, int vcpus) {
    return use > sibling_use * vcpus ? use : sibling_use * vcpus;
}

// Units of one guest are one after the other.
void couple_cells(std::vector<Unit>& units, const std::map<std::string, Shards>& shards);

}  // namespace vnuma
