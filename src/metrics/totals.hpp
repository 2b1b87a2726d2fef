// What grows for as long as a guest runs: the counters of the metrics. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "policy/model/types.hpp"
#include "src/report/tick.hpp"

namespace vnuma {

struct GuestTotals {
    Bytes moved = 0;                 // brought home
    std::uint64_t home_changes = 0;  // of its cells and shards; the first home counts
    std::uint64_t failures = 0;      // actions that failed
};

class Totals {
  public:
    // Takes a tick in. A guest that is gone is forgotten, so that its series end with it.
    void update(const Tick& tick);

    std::uint64_t ticks() const { return ticks_; }
    std::uint64_t blind_ticks() const { return blind_ticks_; }
    // All 0 for a guest that the last tick did not see.
    GuestTotals of(const std::string& uuid) const;

  private:
    std::uint64_t ticks_ = 0, blind_ticks_ = 0;
    std::map<std::string, GuestTotals> guests_;          // by uuid
    std::map<CellKey, std::optional<NodeIndex>> homes_;  // in the last tick that was not blind
};

}  // namespace vnuma
