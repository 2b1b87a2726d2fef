// How several verbs write what is known of a guest. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/control/protocol/guests.hpp"
#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

// Homes of the cells and shards in their order: "0", "0-1", "1,-" where one has none, "-" where
// none has one.
std::string format_homes(const std::vector<control::CellSummary>& cells);
std::string format_node(const std::optional<int>& node);
// "0: 4 GiB, 1: 512 MiB"; "-" for none.
std::string format_by_node(const std::vector<control::NodeBytes>& memory);
// "1.5 GiB, 300 MiB/s"; "-" where nothing is to move.
std::string format_move(Bytes to_move, Bytes per_second);
// "moving", "at home"
std::string format_doing(control::Doing doing);
Colour colour_of(control::Doing doing);
// "web1", "web1 cell 0", "web1 cell 0 shard 1"
std::string format_part(const std::string& guest, std::optional<int> cell,
                        std::optional<int> shard);

}  // namespace vnuma::ctl
