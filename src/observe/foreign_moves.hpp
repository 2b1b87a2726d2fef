// Finds out that somebody else moves the memory of a guest: migratepages, a cpuset that is written,
// `virsh numatune`. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "guests/model/sample.hpp"
#include "policy/model/types.hpp"
#include "src/observe/known_pins.hpp"

namespace vnuma {

class ForeignMoves {
  public:
    // Somebody else has moved memory if at least this share of it, and this much, has changed its
    // node between two readings without vnumad and without the kernel's balancing. Less may be the
    // kernel's compaction, or an estimate from samples of pages.
    static constexpr std::int64_t least_share = 10;  // a tenth
    static constexpr Bytes least_bytes = 16 * mib;

    // Says what somebody else has moved since the last call, or nothing. `ours` are the bytes that
    // vnumad has moved of this guest since then, and `kernels` those that the kernel's NUMA
    // balancing has moved of all processes.
    std::string update(const GuestSample& guest, Bytes ours, Bytes kernels);

    // Forgets guests that are not in the sample.
    void forget_others(const Sample& sample);

  private:
    struct Known {
        ThreadIdentity process;
        std::string mode;  // how the residency was read
        std::map<int, std::int64_t> bytes;
        // Moved by vnumad or the kernel and not seen yet: some readings are older than the moves.
        Bytes explained = 0;
    };

    std::map<std::string, Known> guests_;  // by uuid
};

}  // namespace vnuma
