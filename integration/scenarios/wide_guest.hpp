// A guest without vNUMA that fits no node: how soon, and how well, what it touches becomes local.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "integration/host/access_locality.hpp"
#include "integration/host/daemon.hpp"
#include "integration/host/direct_guest.hpp"

namespace vnuma::lab {

// Four vCPUs with a buffer each; all memory is touched first on node 1.
GuestShape misplaced_wide(const std::string& name);

// Whose buffer each vCPU touches, and what share of the time.
struct WideLoad {
    const char* name;
    std::vector<int> buffer_owners;
    int duty_percent;
};
// All four together take more than the two CPUs of a node.
inline const WideLoad private_buffers{"a buffer each", {0, 1, 2, 3}, 60};
inline const WideLoad shared_in_pairs{"shared in pairs", {0, 1, 0, 1}, 60};
// For these a node has the CPUs.
inline constexpr int low_duty_percent = 20;
inline const WideLoad shared_by_all{"shared by all", {0, 0, 0, 0}, low_duty_percent};
inline const WideLoad low_loads[] = {
    {"a buffer each", private_buffers.buffer_owners, low_duty_percent},
    {"shared in pairs", shared_in_pairs.buffer_owners, low_duty_percent},
    shared_by_all};

nlohmann::json locate_windows(DirectGuest& guest, const WideLoad& load);

// vnumad's configuration for it: rounds of attribution whatever they take in emulation.
std::string wide_config();

// The kernel's own NUMA balancing, for as long as this lives.
class KernelNumaBalancing {
  public:
    KernelNumaBalancing();
    ~KernelNumaBalancing();
    KernelNumaBalancing(const KernelNumaBalancing&) = delete;
    KernelNumaBalancing& operator=(const KernelNumaBalancing&) = delete;
};

inline constexpr double nearly_all_local = 0.95;

// Until vnumad has seen the guest for the first time: its own start is not what is looked at.
// Throws std::runtime_error.
void wait_for_first_report(Daemon& vnumad, const std::string& name);

// What became of it from now on.
struct WideCourse {
    double local_from = -1;  // seconds after which nearly all was local for good; -1: never
    double after_15s = 0;    // share that is local
    double least_later = 1;  // from then on
    std::int64_t pages_moved = 0, pages_moved_later = 0;
};
WideCourse watch(const AccessLocality& access, std::chrono::seconds length);

}  // namespace vnuma::lab
