// Units whose guests are in a group: parted where they have to be apart, one unit where they belong
// together. Pure.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "policy/model/planner_settings.hpp"
#include "policy/units/unit.hpp"

namespace vnuma {

// Groups with more members are not linked pair by pair.
inline constexpr std::size_t max_coupled_units = 64;

// The place of a guest's group among the snapshot's, if that is how it is arranged.
std::optional<std::size_t> group_of(const GuestState& guest, const Snapshot& snapshot,
                                    Arrangement arrangement);

// Members that have to be apart and are not: who has had the home longest keeps it, and of those
// who got it at once the largest.
void part_groups(std::vector<Unit>& units, const std::vector<HeldApart>& held_apart);

// Cells of a group that no node holds as a whole: they are drawn to each other.
using DrawnTogether = std::vector<std::pair<const CellState*, const CellState*>>;

// What is left alone.
struct LeftAlone {
    std::map<std::size_t, NodeIndex> together;  // a member's node, by group that has one home
    std::vector<Bytes> growth;                  // by node: what they have not touched yet
};

// The cells of a group that has one home become one unit, where one node holds them all: the one
// where a member is left alone, if it has room for the others.
DrawnTogether join_groups(std::vector<Unit>& units, const Snapshot& snapshot,
                          const PlannerSettings& settings, const LeftAlone& left_alone);

// As if they shared half of what the lesser one does.
void couple_groups(std::vector<Unit>& units, const DrawnTogether& cells);

}  // namespace vnuma
