// Combines what the sources of a guest's policy set to the policy in force. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "policy/model/guest_policy.hpp"

namespace vnuma {

// The guest, and the sources of its policy that are not part of HostPolicy.
struct PolicySources : GuestIdentity {
    std::size_t cells = 1;
    std::size_t empty_cells = 0;  // of these: with neither vCPUs nor memory, so placed nowhere
    std::vector<int> nodes_without_cpus;  // of the host: never a home
    PolicyOverrides metadata;
    // Problems of the metadata itself. With any of these, the guest is at most observed unless its
    // own run-time policy sets a mode.
    std::vector<std::string> metadata_problems;
};

// Where the value of each key comes from, as problems name it: "policy", "guest.web*", "group.db",
// "metadata", "run-time policy, guest.web1", "ceiling", or the source of a limit ("coexist.numad").
struct PolicyOrigins {
    static constexpr const char* built_in = "built-in";

    std::string mode = built_in, group = built_in, nodes = built_in, home = built_in,
                memory = built_in, priority = built_in;

    friend bool operator==(const PolicyOrigins&, const PolicyOrigins&) = default;
};

struct TracedPolicy {
    GuestPolicy policy;
    PolicyOrigins origins{};
};

// The sources in ascending order of precedence are the built-in values, the configuration's
// defaults, those of the run-time policy, the configuration's sections for the guest, its section
// for the guest's group, the domain's metadata, the run-time policy for the group and that for the
// guest. Sections for the guest are in the order of find_sections(). The ceiling limits all of
// them. A home that is impossible, and a group that the ceiling does not allow, are ignored. The
// limits of the moment come last. `nodes` are all nodes of the host.
GuestPolicy resolve_policy(const HostPolicy& host, const PolicySources& guest,
                           const std::vector<int>& nodes);

// The same policy, and who has set its values. A value that the ceiling has lowered is the
// ceiling's.
TracedPolicy trace_policy(const HostPolicy& host, const PolicySources& guest,
                          const std::vector<int>& nodes);

}  // namespace vnuma
