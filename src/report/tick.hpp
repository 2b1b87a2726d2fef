// What one tick of the loop has seen, planned and done.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "policy/model/history.hpp"
#include "policy/model/plan.hpp"
#include "src/act/guest_moves.hpp"
#include "src/control/protocol/orders.hpp"
#include "src/observe/hands_off.hpp"
#include "src/observe/host.hpp"
#include "src/observe/look.hpp"
#include "src/observe/rivals.hpp"

namespace vnuma {

struct Tick {
    std::uint64_t number = 0;
    std::int64_t time_ms = 0;                  // wall clock, since 1970
    Mode mode = Mode::act;                     // as configured
    std::chrono::milliseconds interval{2000};  // between two ticks, as configured
    HostPolicy policy;                         // in force in this tick
    std::string policy_problem;  // why the run-time policy file is not in force; empty when it is
    std::string frozen;          // why nothing is done; empty where actions are taken
    std::vector<control::OrderNews> orders;  // what became of operators' orders
    std::string hands_off_problem;           // why guests that are left alone are not all known
    std::string blind;  // why nothing could be seen; the fields below are empty then
    std::chrono::milliseconds look_time{0};  // how long reading host and guests took
    Host host;
    std::vector<Rival> rivals;
    std::string list_problem;  // why guests may be missing; empty if all are listed
    // Sections of the configuration and of the run-time policy that are no guest's. While guests
    // may be missing, they stay as they were.
    std::vector<std::string> unmatched_sections;
    std::shared_ptr<const Look> look;
    History history;  // that the plan was made with
    Snapshot snapshot;
    Plan plan;
    std::set<pid_t> pinned;                       // threads that were where vnumad had pinned them
    std::map<std::string, HandsOff> hands_off{};  // guests that are left alone, by uuid
    // Why threads that serve a guest are not where its homes are, by its uuid.
    std::map<std::string, std::string> group_problems{};
    std::vector<ActionResult> results;        // one for each action of the plan; none in a dry run
    std::map<std::string, GuestMoves> moves;  // by uuid; none in a dry run

    const Sample& sample() const { return look->sample; }
};

}  // namespace vnuma
