// Rivals: what else on this host places the vCPUs or the memory of guests. None is ever
// reconfigured. Pure.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "policy/model/guest_policy.hpp"
#include "policy/model/types.hpp"
#include "src/config/coexistence.hpp"

namespace vnuma {

// What was read of the host.
struct RivalReading {
    int numa_balancing = 0;  // sysctl kernel.numa_balancing
    // Bytes that the kernel's balancing has moved since boot (numa_pages_migrated in /proc/vmstat);
    // read while it is on.
    Bytes balanced = 0;
    bool ksm_across_nodes = false;         // KSM runs, and merges pages of different nodes
    bool static_cpus = false;              // Kubernetes' CPU manager has the static policy
    bool static_memory = false;            // its memory manager has it
    std::set<std::string> in_pods;         // uuids of the guests whose processes are in pods
    std::map<std::string, pid_t> daemons;  // "numad", "tuned", "irqbalance"
};

struct Rival {
    std::string name;      // its key in [coexist]
    std::string presence;  // how it shows, as a sentence without its end
    Handling handling = Handling::share;
    std::optional<PolicyLimit> limit;  // none with `share`

    // What vnumad does because of it, as a sentence without its end.
    const char* effect() const;
};

// Those that are there, in the order of the configuration's keys.
std::vector<Rival> find_rivals(const RivalReading& reading, const Coexistence& coexist);

void add_limits(const std::vector<Rival>& rivals, std::vector<PolicyLimit>& limits);

}  // namespace vnuma
