#include "src/observe/guest_policies.hpp"

#include <algorithm>

#include "policy/guest_sections.hpp"
#include "policy/resolve_policy.hpp"

namespace vnuma {
namespace {

// Where several guests have one UUID, all but one have something added to it behind a slash. What
// is said of the UUID holds for all of them, since nobody knows which one is meant.
std::string uuid_of(const ListedGuest& guest) {
    return guest.uuid.substr(0, guest.uuid.find('/'));
}

std::size_t count_empty_cells(const Domain& domain) {
    return static_cast<std::size_t>(
        std::count_if(domain.cells.begin(), domain.cells.end(), [&](const DomainCell& cell) {
            return cell.vcpus.empty() && cell.size_known && dram_bytes(domain, cell) == 0;
        }));
}

PolicySources sources_of(const ListedGuest& guest, const Topology& topology) {
    PolicySources sources;
    sources.uuid = uuid_of(guest);
    sources.name = guest.name;
    sources.cgroup = guest.cgroup;
    sources.cells = guest.domain ? guest.domain->cells.size() : 0;
    if (guest.domain) sources.empty_cells = count_empty_cells(*guest.domain);
    if (guest.domain) sources.metadata = guest.domain->policy;
    if (guest.domain) sources.metadata_problems = guest.domain->policy_problems;
    for (const HostNode& node : topology.nodes)
        if (node.cpus == 0) sources.nodes_without_cpus.push_back(node.id);
    return sources;
}

std::vector<int> node_numbers(const Topology& topology) {
    std::vector<int> nodes;
    for (const HostNode& node : topology.nodes)
        nodes.push_back(node.id);
    return nodes;
}

}  // namespace

GuestPolicies resolve_policies(const std::vector<ListedGuest>& guests, const HostPolicy& policy,
                               const Topology& topology) {
    const std::vector<int> nodes = node_numbers(topology);
    GuestPolicies policies;
    for (const ListedGuest& guest : guests)
        policies.emplace(guest.uuid, resolve_policy(policy, sources_of(guest, topology), nodes));
    return policies;
}

TracedPolicy trace_policy(const ListedGuest& guest, const HostPolicy& policy,
                          const Topology& topology) {
    return trace_policy(policy, sources_of(guest, topology), node_numbers(topology));
}

std::vector<std::string> find_unmatched_sections(const std::vector<ListedGuest>& guests,
                                                 const HostPolicy& policy) {
    std::vector<GuestIdentity> identities;
    identities.reserve(guests.size());
    for (const ListedGuest& guest : guests)
        identities.push_back({uuid_of(guest), guest.name, guest.cgroup});
    return find_unmatched_sections(policy, identities);
}

std::set<std::string> find_guests_to_act_on(const GuestPolicies& policies) {
    std::set<std::string> uuids;
    for (const auto& [uuid, policy] : policies)
        if (policy.mode == Mode::act) uuids.insert(uuid);
    return uuids;
}

}  // namespace vnuma
