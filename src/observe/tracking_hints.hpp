// What access tracking should know of the last tick. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "guests/tracking/access_tracking.hpp"
#include "policy/model/plan.hpp"
#include "policy/model/snapshot.hpp"
#include "src/observe/guest_policies.hpp"

namespace vnuma {

using TrackingHints = std::map<std::string, TrackingHint>;  // by uuid

// `before` are the hints of the last tick: a guest that is unsteady keeps what was wanted for it.
TrackingHints derive_hints(const TrackingHints& before, const Snapshot& snapshot, const Plan& plan,
                           const std::vector<ActionResult>& results);

// UUIDs of the guests to which nothing is to be done: all of their cells are where they belong, or
// have no home, and no action is planned.
std::set<std::string> find_quiet_guests(const Snapshot& snapshot, const Plan& plan);

// A policy that has changed since the last tick takes effect before anything is measured: a guest
// that may not be acted on any more is not disturbed any more.
void withdraw_hints(TrackingHints& hints, const GuestPolicies& policies);

}  // namespace vnuma
