// On which nodes the owner of a guest lets a cell have its home. Pure.
#pragma once

#include "guests/model/sample.hpp"
#include "policy/model/snapshot.hpp"
#include "src/observe/host.hpp"
#include "src/observe/known_pins.hpp"

namespace vnuma {

// By the affinity of its vCPUs before our first pin, its cpuset, the domain's <numatune>, and
// memory policies in force. Memory has to be allowed on the memory_node() of a home. `topology` is
// that of the host, with memory.
NodeSet allowed_nodes(const GuestSample& guest, const CellSample& cell, const Host& host,
                      const Topology& topology, const KnownPins& pins);

}  // namespace vnuma
