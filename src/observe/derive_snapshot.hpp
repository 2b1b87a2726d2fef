// From what was read to what the planner needs. Pure.
#pragma once

#include <optional>

#include "guests/model/sample.hpp"
#include "policy/model/guest_policy.hpp"
#include "policy/model/snapshot.hpp"
#include "src/observe/guest_policies.hpp"
#include "src/observe/hands_off.hpp"
#include "src/observe/host.hpp"
#include "src/observe/known_pins.hpp"
#include "src/observe/look.hpp"

namespace vnuma {

// What vnumad has changed of guests, and what it must not change.
struct Claims {
    const KnownPins& pins;
    const HandsOffGuests& hands_off;
};

// `current` with its CPU use measured; a guest whose CPU use is not known yet is unsteady.
// `policies` has every guest of the sample, `policy` tells how groups are arranged.
Snapshot derive(const Look& current, const Host& host, const Claims& claims,
                const HostPolicy& policy, const GuestPolicies& policies);

// The node that all vCPUs of the cell are confined to, if there is one.
std::optional<NodeIndex> confined_to(const CellSample& cell, const Host& host);

}  // namespace vnuma
