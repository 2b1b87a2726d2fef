// What is different from one tick to the next, for the log, the control socket and the history:
// guests and rivals that come and go, sections of the configuration that are no guest's, new homes
// and verdicts, moves, actions that fail, moves that a guest feels, policies, troubles. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/control/protocol/events.hpp"
#include "src/report/move_happenings.hpp"
#include "src/report/tick.hpp"
#include "src/report/trouble_log.hpp"

namespace vnuma {

class Happenings {
  public:
    // What is different from the last tick that was not blind. A blind tick tells of troubles only.
    std::vector<control::Happening> update(const Tick& tick);

  private:
    using Told = std::vector<control::Happening>;
    using Names = std::map<std::string, std::string>;  // by uuid
    struct Known {
        Reason reason = Reason::settled;
        std::optional<NodeIndex> home;
        std::string failure;  // of an action, in the last tick
    };

    void add_mode(const Tick& tick, Told& told);
    void add_orders(const Tick& tick, Told& told);
    void add_rivals(const Tick& tick, Told& told);
    void add_sections(const Tick& tick, Told& told);
    void add_guests(const Tick& tick, const Names& names, Told& told);
    void add_policies(const Tick& tick, Told& told);
    void add_cells(const Tick& tick, Names& names, Told& told);
    void add_hands_off(const Tick& tick, const Names& names, Told& told);
    void add_felt(const Tick& tick, const Names& names, Told& told);

    TroubleChanges troubles_;
    MoveHappenings moves_;
    std::optional<Mode> mode_;
    std::map<std::string, std::string> rivals_;  // how they show, by name
    std::set<std::string> unmatched_;            // sections that are no guest's
    Names guests_;
    std::map<std::string, GuestPolicy> policies_;  // by uuid
    std::map<std::string, HandsOff> hands_off_;    // by uuid
    // What was told of guests whose memory moves, by uuid: the worst pace, and pauses.
    std::map<std::string, std::pair<LatencyGuard::Pace, int>> felt_;
    std::map<CellKey, Known> cells_;
};

// Whether to_log_line() of it goes to the log. Moves that begin and end, modes and the policies of
// guests do not: verdicts and warnings tell as much. Troubles do not, since TroubleLog
// logs them as warnings.
bool is_logged(const control::Happening& happening);

}  // namespace vnuma
