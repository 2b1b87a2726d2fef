// From what was sampled to what the planner needs. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guests/model/sample.hpp"
#include "guests/tracking/guest_tracking.hpp"
#include "policy/model/history.hpp"
#include "policy/model/snapshot.hpp"
#include "src/observe/cpu_use.hpp"
#include "src/observe/host.hpp"
#include "src/observe/known_pins.hpp"

namespace vnuma {

// With the look's `use` as it was measured: a guest whose use is not known yet is unsteady.
Snapshot derive(const Look& current, const Host& host, const KnownPins& pins,
                const HostPolicy& policy);

// What tracking should know of the last tick, by uuid.
std::map<std::string, TrackingHint> derive_hints(const std::map<std::string, TrackingHint>& before,
                                                 const Snapshot& snapshot, const Plan& plan,
                                                 const std::vector<ActionResult>& results);

// What has been said of guests since: who is not to be acted on any more is not touched any more.
void withdraw_hints(std::map<std::string, TrackingHint>& hints, const Sample& sample,
                    const HostPolicy& policy, const Host& host);

// The node all vCPUs of the cell are confined to, if there is one.
std::optional<NodeIndex> confined_to(const CellSample& cell, const Host& host);

}  // namespace vnuma
