// The policy of every listed guest, resolved once a tick. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "guests/model/listed_guest.hpp"
#include "policy/model/guest_policy.hpp"
#include "policy/model/snapshot.hpp"
#include "policy/resolve_policy.hpp"

namespace vnuma {

using GuestPolicies = std::map<std::string, GuestPolicy>;  // by uuid

// `topology` is with memory: nodes without CPUs or memory can be nobody's fixed home.
GuestPolicies resolve_policies(const std::vector<ListedGuest>& guests, const HostPolicy& policy,
                               const Topology& topology);

// The same for one guest, with who has set its values.
TracedPolicy trace_policy(const ListedGuest& guest, const HostPolicy& policy,
                          const Topology& topology);

// As policy/guest_sections.hpp says, for listed guests.
std::vector<std::string> find_unmatched_sections(const std::vector<ListedGuest>& guests,
                                                 const HostPolicy& policy);

// The uuids of guests in mode act.
std::set<std::string> find_guests_to_act_on(const GuestPolicies& policies);

}  // namespace vnuma
