#include "src/observe/guest_policies.hpp"

#include "policy/resolve_policy.hpp"

namespace vnuma {
namespace {

PolicySources sources_of(const ListedGuest& guest, const HostPolicy& policy,
                         const Topology& topology) {
    PolicySources sources;
    sources.uuid = guest.uuid;
    sources.name = guest.name;
    sources.cells = guest.domain ? guest.domain->cells.size() : 0;
    if (guest.domain) sources.metadata = guest.domain->policy;
    if (guest.domain) sources.metadata_problems = guest.domain->policy_problems;
    // The uuid names exactly one guest, so its section wins over the one by name.
    for (const std::string& key : {guest.uuid, guest.name})
        if (const auto found = policy.run_time.guests.find(key);
            found != policy.run_time.guests.end()) {
            sources.run_time = found->second;
            break;
        }
    for (const HostNode& node : topology.nodes)
        if (node.cpus == 0) sources.nodes_without_cpus.push_back(node.id);
    return sources;
}

}  // namespace

GuestPolicies resolve_policies(const std::vector<ListedGuest>& guests, const HostPolicy& policy,
                               const Topology& topology) {
    std::vector<int> nodes;
    for (const HostNode& node : topology.nodes)
        nodes.push_back(node.id);
    GuestPolicies policies;
    for (const ListedGuest& guest : guests)
        policies.emplace(guest.uuid,
                         resolve_policy(policy, sources_of(guest, policy, topology), nodes));
    return policies;
}

}  // namespace vnuma
