// A host on which a planner's own decisions are carried out, while its guests do what a recording
// says. It is a closed loop: what is planned depends on where earlier plans have brought the
// guests. It models neither what moves cost nor how guests would change their work. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/record/record.hpp"

namespace vnuma::ctl {

// A longer time between two records is a time in which vnumad did not plan. Equals the longest
// `interval` of the configuration.
inline constexpr Millis longest_tick = 600'000;
// Length of the last tick of a recording of one tick.
inline constexpr Millis usual_tick = 2000;

// CPU time in thousandths of CPU milliseconds.
struct Locality {
    double run = 0;    // CPU time
    double local = 0;  // the same, weighted by the share of local accesses

    std::optional<double> share() const {
        return run > 0 ? std::optional(local / run) : std::nullopt;
    }
};

struct ImaginedFigures {
    Locality locality;
    Bytes moved = 0;
    std::int64_t home_changes = 0;  // first homes do not count
};

struct ImaginedGuestResult {
    std::string name;
    ImaginedFigures figures;
    // Of its cells, and of shards of those that are split, when it was last seen: the kernel's
    // number of the home node, or nothing if the cell has no home.
    std::map<CellKey, std::optional<int>> homes;
};

struct ImaginedResult {
    std::size_t ticks = 0;
    Millis time = 0;
    ImaginedFigures figures;  // of all guests
    // CPU use above the capacity, by the kernel's number of the node: thousandths of CPU
    // milliseconds. Every node has an entry.
    std::map<int, double> contention;
    std::map<std::string, ImaginedGuestResult> guests;  // by uuid

    double all_contention() const;
};

class ImaginedHost {
  public:
    // Moves memory as last planned for as long as the time to this record is, takes over what
    // guests do, plans with the record's settings, and pins. If the time of the record is not later
    // than that of the last one, the host was restarted: it begins as in the record, with the
    // recorded history.
    void step(const Record& recorded);
    // Counts the last tick. No step() may follow.
    const ImaginedResult& finish();

    const Snapshot& snapshot() const { return snapshot_; }
    const Plan& last_plan() const { return plan_; }

  private:
    void begin(const Record& recorded);
    void carry_out_pins();
    void carry_out_moves(Millis length);
    void imagine(const Snapshot& recorded);
    void count_plan();
    void count_tick(Millis length);

    PlannerSettings settings_;
    History history_;
    Snapshot snapshot_;
    Plan plan_;
    Millis last_length_ = usual_tick;
    ImaginedResult result_;
};

}  // namespace vnuma::ctl
