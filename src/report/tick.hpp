// What one tick of the loop saw, planned and did.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "guests/model/sample.hpp"
#include "policy/model/history.hpp"
#include "policy/model/plan.hpp"

namespace vnuma {

struct Tick {
    std::uint64_t number = 0;
    std::int64_t time_ms = 0;  // wall clock, since 1970
    Mode mode = Mode::act;
    std::string policy_problem;  // why what is said at run time is not in force
    std::string blind;           // why there is no sample; all below is empty then
    Sample sample;
    History history;  // it was planned with
    Snapshot snapshot;
    Plan plan;
    std::set<pid_t> pinned;             // threads that were where vnumad had pinned them
    std::vector<ActionResult> results;  // of the actions that were tried
};

}  // namespace vnuma
