// How much of what a guest's threads really touch is local: by the workload's own account of its
// memory, and by the host's of its pages and threads.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "integration/host/direct_guest.hpp"

namespace vnuma::lab {

class AccessLocality {
  public:
    // `truth` as truth_of() returns it; what it says of the guest's memory must stay true. Of a
    // guest without vNUMA. Throws std::runtime_error.
    AccessLocality(DirectGuest& guest, const nlohmann::json& truth);

    // From 0 to 1, now: of all threads alike, of each one's pages those on the node it runs on.
    // Throws std::runtime_error.
    double local_share() const;

  private:
    struct AccessThread {
        pid_t thread = 0;
        std::vector<std::uint64_t> pages;  // some of them, in QEMU's address space
    };

    pid_t pid_;
    std::vector<AccessThread> threads_;
};

}  // namespace vnuma::lab
