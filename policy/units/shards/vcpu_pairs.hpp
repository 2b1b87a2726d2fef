// How closely each two vCPUs of a guest without vNUMA are related. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/model/snapshot.hpp"

namespace vnuma {

using PairMatrix = std::vector<std::vector<std::uint64_t>>;  // symmetric, by vCPU and vCPU

// Accesses of two vCPUs to the same extents, without noise.
PairMatrix common_accesses(const WideUse& use);

// Share of two vCPUs' memory that is on the same nodes, in thousandths.
PairMatrix colocation(const WideUse& use);

}  // namespace vnuma
