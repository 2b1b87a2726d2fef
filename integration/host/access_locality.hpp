// The share of a guest's accesses that are local. The workload tells which memory each vCPU
// accesses, and the host kernel on which nodes pages and threads are.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "integration/host/direct_guest.hpp"

namespace vnuma::lab {

class AccessLocality {
  public:
    // The guest has no vNUMA. `truth` is the result of RunningGuest::locate_windows(), and must
    // stay true. Throws std::runtime_error.
    AccessLocality(DirectGuest& guest, const nlohmann::json& truth);

    // The present share, from 0 to 1: for each vCPU the share of its pages that are on the node it
    // runs on, and of these the mean. Throws std::runtime_error.
    double local_share() const;

  private:
    struct VcpuPages {
        pid_t thread = 0;
        std::vector<std::uint64_t> pages;  // a sample, in QEMU's address space
    };

    pid_t pid_;
    std::vector<VcpuPages> vcpus_;
};

}  // namespace vnuma::lab
