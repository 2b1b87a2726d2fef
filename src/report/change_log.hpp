// One line for each change that an operator cares about: guests and rivals that come and go,
// sections of the configuration that are no guest's, new homes and verdicts, actions that fail,
// moves that a guest feels. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/report/tick.hpp"

namespace vnuma {

class ChangeLog {
  public:
    // What is different from the last tick that was not blind.
    std::vector<std::string> update(const Tick& tick);

  private:
    struct Known {
        Reason reason = Reason::settled;
        std::optional<NodeIndex> home;
        std::string failure;  // of an action, in the last tick
    };

    void add_rivals(const std::vector<Rival>& rivals, std::vector<std::string>& lines);
    void add_sections(const std::vector<std::string>& unmatched, std::vector<std::string>& lines);

    std::map<std::string, std::string> rivals_;  // how they show, by name
    std::set<std::string> unmatched_;            // sections that are no guest's
    void add_hands_off(const Tick& tick, const std::map<std::string, std::string>& names,
                       std::vector<std::string>& lines);
    void tell_what_is_felt(const Tick& tick, const std::map<std::string, std::string>& names,
                           std::vector<std::string>& lines);

    std::map<std::string, std::string> guests_;  // names, by uuid
    std::map<std::string, HandsOff> hands_off_;  // by uuid
    // What was told of guests whose memory moves, by uuid: the worst pace, and pauses.
    std::map<std::string, std::pair<LatencyGuard::Pace, int>> felt_;
    std::map<CellKey, Known> cells_;
};

}  // namespace vnuma
