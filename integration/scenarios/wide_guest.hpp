// A guest without vNUMA that fits no node: how soon its accesses become local, and how many of
// them.
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

// Four vCPUs with a buffer each. All memory starts on node 1.
GuestShape misplaced_wide(const std::string& name);

struct WideLoad {
    const char* name;
    std::vector<int> buffer_owners;  // by vCPU: the vCPU whose buffer it accesses
    int duty_percent;                // share of the time in which it does
};
// All four together take more than the two CPUs of a node.
inline const WideLoad private_buffers{"a buffer each", {0, 1, 2, 3}, 60};
inline const WideLoad shared_in_pairs{"shared in pairs", {0, 1, 0, 1}, 60};
// With this load the four vCPUs together need no more CPU time than a node has.
inline constexpr int low_duty_percent = 20;
inline const WideLoad shared_by_all{"shared by all", {0, 0, 0, 0}, low_duty_percent};
inline const WideLoad low_loads[] = {
    {"a buffer each", private_buffers.buffer_owners, low_duty_percent},
    {"shared in pairs", shared_in_pairs.buffer_owners, low_duty_percent},
    shared_by_all};

// Starts the load and returns the result of RunningGuest::locate_windows().
nlohmann::json locate_windows(DirectGuest& guest, const WideLoad& load);

// vnumad's configuration for the wide guest. It permits rounds of induced faults however long they
// take in emulation.
std::string wide_config();

// Turns on the kernel's NUMA balancing for the lifetime of the object.
class KernelNumaBalancing {
  public:
    KernelNumaBalancing();
    ~KernelNumaBalancing();
    KernelNumaBalancing(const KernelNumaBalancing&) = delete;
    KernelNumaBalancing& operator=(const KernelNumaBalancing&) = delete;
};

inline constexpr double nearly_all_local = 0.95;

// Waits until vnumad has reported the guest, so that its start is not measured. Throws
// std::runtime_error.
void wait_for_first_report(Daemon& vnumad, const std::string& name);

struct WideCourse {
    // Seconds until nearly all accesses were local and stayed so; -1 if that did not happen.
    double local_from = -1;
    double after_15s = 0;                                 // local share after 15 s
    double least_later = 1;                               // least local share after that
    std::int64_t pages_moved = 0, pages_moved_later = 0;  // in all, and after 15 s
};
// Watches the guest from now on.
WideCourse watch(const AccessLocality& access, std::chrono::seconds length);

}  // namespace vnuma::lab
