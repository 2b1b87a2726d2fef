// How much CPU time guests use, and others on each node. Pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "guests/model/sample.hpp"
#include "policy/model/types.hpp"
#include "src/observe/look.hpp"

namespace vnuma {

// Time constant of the average. A home lasts for minutes, so it must not depend on what a guest
// does in one tick. The load averages of the kernel and of ESXi are over longer times.
inline constexpr Millis use_memory = 10'000;
// The same for what others use, which counts as far as it lasts: a process that is not confined
// goes to a node with idle CPUs by itself.
inline constexpr Millis lasting_use_memory = 60'000;

// CPU use between two looks, averaged with the use before, and without the time that rounds of
// induced faults took. `previous` is null for the first look.
CpuUse measure_use(const Look* previous, const Look& current, const Host& host);

// CPU use of each of the cell's vCPUs, in their order, each with an equal part of what serves the
// guest, since that goes wherever the guest's vCPUs go. Nothing while one of them is unknown.
std::optional<std::vector<MilliCpu>> cpu_use(const GuestSample& guest, const CellSample& cell,
                                             const CpuUse& use);

// CPU use that lasts, on a node, of others than guests and those that serve them.
MilliCpu other_use(NodeIndex node, const CpuUse& use);

}  // namespace vnuma
