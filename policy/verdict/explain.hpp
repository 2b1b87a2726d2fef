// Verdicts in sentences for people. Pure.
#pragma once

#include <string>

#include "policy/model/plan.hpp"

namespace vnuma {

// The reason as one sentence with its numbers, for people.
std::string explain(const Verdict& verdict, const Topology& topology);

}  // namespace vnuma
