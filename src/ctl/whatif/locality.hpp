// Where the vCPUs of a cell run and how local its memory is, as far as a snapshot tells. Pure.
#pragma once

#include <vector>

#include "policy/model/snapshot.hpp"

namespace vnuma::ctl {

// The share of the cell's CPU use on each node, by NodeIndex. vCPUs that are confined to a node run
// there. Of all others it is only known where they may run, so they are assumed to be spread over
// the allowed nodes in proportion to their capacity. The sum is at most 1000; rounding may take up
// to 1 for each node.
std::vector<PerMille> running_shares(const Topology& topology, const GuestState& guest,
                                     const CellState& cell);

// The share of the cell's accesses that are local, if its vCPUs run as above: of bytes weighted by
// heat, or of bytes where no heat is known. 1000 for a cell without memory. The vCPUs of a cell
// that is split access their private memory, as far as that is known.
PerMille local_share(const Topology& topology, const GuestState& guest, const CellState& cell);

}  // namespace vnuma::ctl
