// Guests without vNUMA that fit no node, for tests of the planner.
#pragma once

#include <vector>

#include "tests/policy/hosts.hpp"

namespace vnuma::test {

inline Snapshot host_with(const GuestState& guest, std::size_t nodes = 2) {
    return make_snapshot(make_topology(nodes, 2, 2 * gib), {guest});
}

inline std::vector<NodeIndex> homes_of_vcpus(const Plan& plan, std::size_t vcpus) {
    std::vector<NodeIndex> homes(vcpus);
    for (const Verdict& verdict : plan.verdicts)
        for (const std::size_t vcpu : verdict.vcpus)
            homes[vcpu] = verdict.home.value().node;
    return homes;
}

// A guest whose vCPUs all access all memory: 100 MiB in each extent, and one extent per vCPU.
inline GuestState sharing_guest(std::size_t vcpus, std::size_t nodes, MilliCpu use_per_vcpu) {
    GuestState guest = make_wide_guest("w", std::vector<std::size_t>(vcpus, 0), nodes);
    WideUse& use = *guest.wide;
    use.accesses.assign(vcpus * vcpus, 100);
    use.cpu_use.assign(vcpus, use_per_vcpu);
    guest.cells[0].cpu_use = use_per_vcpu * static_cast<MilliCpu>(vcpus);
    std::swap(use.own, use.shared);
    return guest;
}

}  // namespace vnuma::test
