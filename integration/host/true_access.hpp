// How much of what a guest's threads really touch is local: by the workload's own account of its
// memory, and by the host's of its pages and threads.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "integration/host/direct_guest.hpp"

namespace vnuma::lab {

class TrueAccess {
  public:
    // `truth` as truth_of() returns it; what it says of the guest's memory must stay true. Of a
    // guest without vNUMA. Throws std::runtime_error.
    TrueAccess(DirectGuest& guest, const nlohmann::json& truth);

    // From 0 to 1, now: of all threads alike, of each one's pages those on the node it runs on.
    // Throws std::runtime_error.
    double local_share() const;

  private:
    struct Toucher {
        pid_t thread = 0;
        std::vector<std::uint64_t> pages;  // some of them, in QEMU's address space
    };

    pid_t pid_;
    std::vector<Toucher> touchers_;
};

}  // namespace vnuma::lab
