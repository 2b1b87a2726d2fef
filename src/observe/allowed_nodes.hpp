// Where a cell's owner lets it be. Pure.
#pragma once

#include "guests/model/sample.hpp"
#include "policy/model/snapshot.hpp"
#include "src/observe/host.hpp"
#include "src/observe/known_pins.hpp"

namespace vnuma {

// By the affinity of its vCPUs (before it was pinned), its cpuset, and where its memory is bound
// to.
NodeSet allowed_nodes(const GuestSample& guest, const CellSample& cell, const Host& host,
                      const KnownPins& pins);

}  // namespace vnuma
