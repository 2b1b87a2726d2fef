// Verdicts as sentences for operators. Pure.
#pragma once

#include <string>

#include "policy/model/snapshot.hpp"
#include "policy/model/verdict.hpp"

namespace vnuma {

// One sentence, without a full stop: what becomes of the cell or shard, why, and what prevents the
// best other node, with all numbers and their units. Nodes are the kernel's numbers. A verdict that
// no planner makes gets some sentence, too.
std::string explain(const Verdict& verdict, const Topology& topology);

}  // namespace vnuma
