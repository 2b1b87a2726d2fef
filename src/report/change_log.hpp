// One line for each change that an operator cares about: guests and rivals that come and go, new
// homes and verdicts, actions that fail. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
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

    std::map<std::string, std::string> rivals_;  // how they show, by name
    std::map<std::string, std::string> guests_;  // names, by uuid
    std::map<CellKey, Known> cells_;
};

}  // namespace vnuma
