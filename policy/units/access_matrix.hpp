// Who touches what of a guest without vNUMA, and what shards of it would make of that. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/model/history.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma {

// By vCPU how much it was seen touching, all groups together.
std::vector<std::uint64_t> accesses_by_vcpu(const WideUse& use);

// By vCPU and node what it touches, of what several touch its part.
std::vector<std::vector<Bytes>> bytes_by_vcpu(const WideUse& use);

// By vCPU and node, in thousandths, where what it touches is; all 0 where nothing is there.
std::vector<std::vector<PerMille>> whereabouts(const WideUse& use);

// Share of what is touched that another shard touches more: it would be remote.
PerMille crossing(const WideUse& use, const Partition& partition);

// Share of what is touched that is elsewhere than most of what its shard touches: pins alone cannot
// make it local.
PerMille scattered(const WideUse& use, const Partition& partition);

// Touches of a group by shard, and the shard that has most of them: the group is its.
inline constexpr std::size_t nobodys = static_cast<std::size_t>(-1);
struct Ownership {
    std::vector<std::vector<std::uint64_t>> accesses;  // by shard and group
    std::vector<std::size_t> owner;                    // by group; nobodys: it was never touched
};
Ownership ownership_of(const WideUse& use, const Partition& partition);

// The part of all touches below which others' are chance. In eleven observations in which one of
// two comes first by chance (TouchMatrix), what was seen of the other fades to that.
inline constexpr std::uint64_t only_part = 32;
inline bool is_nearly_all(std::uint64_t accesses, std::uint64_t all) {
    return accesses * only_part >= all * (only_part - 1);
}
// Whether no other shard touches this group.
bool belongs_to(const Ownership& ownership, std::size_t group, std::size_t shard);

// Of what each shard touches, how much each other one touches more than any, of 1000.
std::vector<std::vector<PerMille>> access_share_of_others(const WideUse& use,
                                                          const Partition& partition);

}  // namespace vnuma
