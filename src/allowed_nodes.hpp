// Where a cell's owner lets it be. Pure.
#pragma once

#include "guests/sample.hpp"
#include "policy/snapshot.hpp"
#include "src/host.hpp"
#include "src/pins.hpp"

namespace vnuma {

// By the affinity of its vCPUs (before it was pinned), its cpuset, and where its memory is bound
// to.
NodeSet allowed_nodes(const GuestSample& guest, const CellSample& cell, const Host& host,
                      const Pins& pins);

}  // namespace vnuma
