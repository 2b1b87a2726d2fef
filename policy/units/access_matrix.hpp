// What follows from the access matrix of a guest without vNUMA and a partition into shards: which
// shard owns which extent, and which accesses would be remote. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/model/history.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma {

// Accesses of each vCPU to all extents.
std::vector<std::uint64_t> accesses_by_vcpu(const WideUse& use);

// Bytes that each vCPU accesses, by vCPU and NodeIndex. Shared memory is attributed to its vCPUs in
// proportion to their accesses.
std::vector<std::vector<Bytes>> bytes_by_vcpu(const WideUse& use);

// Share of each vCPU's bytes that are on each node, by vCPU and NodeIndex; all 0 for a vCPU without
// memory.
std::vector<std::vector<PerMille>> locality_by_vcpu(const WideUse& use);

// Share of all accesses that go to extents owned by other shards. These accesses are remote if the
// shards are on different nodes.
PerMille cross_shard_share(const WideUse& use, const Partition& partition);

// Share of all accesses that go to memory on other nodes than the one that serves most accesses of
// the shard. Only moves of memory can make these accesses local, pins cannot.
PerMille off_node_share(const WideUse& use, const Partition& partition);

// The owner of an extent is the shard with the most accesses to it.
inline constexpr std::size_t no_owner = static_cast<std::size_t>(-1);
struct Ownership {
    std::vector<std::vector<std::uint64_t>> accesses;  // by shard and extent
    std::vector<std::size_t> owner;  // by extent: a shard, or no_owner if there were no accesses
};
Ownership ownership_of(const WideUse& use, const Partition& partition);

// Shares of accesses below 1/32 are noise. Counts in the access matrix decay (AccessMatrix), and of
// two vCPUs that share memory each sample counts the one that happens to access it first. After
// eleven samples in a row that count the same one, the other's share has decayed to about this.
inline constexpr std::uint64_t noise_divisor = 32;
inline bool is_private_share(std::uint64_t accesses, std::uint64_t all) {
    return accesses * noise_divisor >= all * (noise_divisor - 1);
}
// Whether no other shard accesses the extent, except for noise.
bool is_private_to(const Ownership& ownership, std::size_t extent, std::size_t shard);

// Share of each shard's accesses that go to the extents of each owner, by shard and owner; 0 for
// its own extents.
std::vector<std::vector<PerMille>> access_shares_by_owner(const WideUse& use,
                                                          const Partition& partition);

}  // namespace vnuma
