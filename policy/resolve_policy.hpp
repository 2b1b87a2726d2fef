// What is wanted for one guest, said in several places and put together. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "policy/model/guest_policy.hpp"

namespace vnuma {

// Sources of one guest in rising precedence, after the built-in values: the configuration's
// defaults and its words for the guest, its group's, the domain's metadata, what was said at run
// time of its group and of itself. A home that cannot be, or a group beyond the ceiling, is as if
// it had not been said. `cells` is how many it has, `nodes` are those of the host.
struct PolicySources {
    std::string uuid, name;
    std::size_t cells = 1;
    std::vector<int> homeless_nodes;  // of the host, without CPUs or memory: no home for anybody
    PolicyOverrides metadata;
    std::vector<std::string> metadata_problems;  // with any, only its own run time raises a mode
    PolicyOverrides run_time;
};
GuestPolicy resolve_policy(const HostPolicy& host, const PolicySources& guest,
                           const std::vector<int>& nodes);

}  // namespace vnuma
