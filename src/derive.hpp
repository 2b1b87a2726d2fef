// From what was sampled to what the planner needs. Pure.
#pragma once

#include <optional>

#include "guests/sample.hpp"
#include "policy/snapshot.hpp"
#include "src/host.hpp"
#include "src/pins.hpp"

namespace vnuma {

// `topology` is the host's with its memory as of now. CPU use comes from two samples; a guest that
// is new in `current` is unsteady until the next.
Snapshot derive(const Sample* previous, const Sample& current, const Host& host,
                const Topology& topology, const Pins& pins);

// The node all vCPUs of the cell are confined to, if there is one.
std::optional<NodeIndex> confined_to(const CellSample& cell, const Host& host);

}  // namespace vnuma
