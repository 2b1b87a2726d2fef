// How much of the host's CPUs guests use, and others. Pure.
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

// What was used longer ago than this counts for little: a home lasts for minutes, and is not to be
// given for what a guest does in one tick. (The kernel's load averages and ESXi's take longer.)
inline constexpr Millis use_memory = 10'000;

// Between two looks, averaged with what was used before, and without what rounds of induced faults
// took.
CpuUse measure_use(const Look* previous, const Look& current, const Host& host);

// Of each of a cell's vCPUs. Nothing when one of them is not known yet.
std::optional<std::vector<MilliCpu>> cpu_use(const CellSample& cell, const CpuUse& use);

// Of a node.
MilliCpu other_use(NodeIndex node, const CpuUse& use);

}  // namespace vnuma
