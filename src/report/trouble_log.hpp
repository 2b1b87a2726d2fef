// What may be wrong with ticks. Each trouble is told once when it begins, and once when it is over.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/control/protocol/events.hpp"
#include "src/report/tick.hpp"

namespace vnuma {

// Logs when one thing goes wrong, and when it is over.
class Trouble {
  public:
    Trouble(const char* wrong, const char* over) : wrong_(wrong), over_(over) {}
    // `now`: what is wrong, or empty.
    void update(const std::string& now);

  private:
    const char *wrong_, *over_;
    std::string last_;
};

// One thing that may be wrong with a tick.
struct TroubleState {
    control::EventKind kind;  // trouble, or mode_changed where vnumad is frozen
    const char *wrong, *over;
    std::string why;  // empty: it is not wrong
};

// All that can be told of this tick: a blind one tells of few. Pure.
std::vector<TroubleState> find_troubles(const Tick& tick);

struct TroubleChange {
    control::EventKind kind;
    bool over = false;
    std::string text;  // a sentence without a full stop
};

// Pure.
class TroubleChanges {
  public:
    // What has begun or ended since the last tick.
    std::vector<TroubleChange> update(const Tick& tick);

  private:
    std::set<std::string_view> wrong_;  // TroubleState::wrong of what has begun
};

// Logs a warning when something is wrong with ticks (they are blind, policies cannot be used,
// reading takes too long, ...), and a line when it is over.
class TroubleLog {
  public:
    void update(const Tick& tick);

  private:
    TroubleChanges changes_;
};

}  // namespace vnuma
