// The policy of every listed guest, resolved once a tick. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "guests/model/listed_guest.hpp"
#include "policy/model/guest_policy.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma {

using GuestPolicies = std::map<std::string, GuestPolicy>;  // by uuid

// `topology` is with memory: nodes without CPUs or memory can be nobody's fixed home.
GuestPolicies resolve_policies(const std::vector<ListedGuest>& guests, const HostPolicy& policy,
                               const Topology& topology);

}  // namespace vnuma
