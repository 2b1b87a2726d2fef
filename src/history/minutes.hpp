// Ticks summed up to one-minute samples of cells and nodes. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/control/protocol/events.hpp"
#include "src/report/tick.hpp"

namespace vnuma::history {

inline constexpr std::int64_t minute_ms = 60'000;
// Cells in one minute, also of guests that end in it. Further ones are left out.
inline constexpr std::size_t max_cells_a_minute = 65'536;

struct Minutes {
    std::vector<control::CellMinute> cells;  // ordered by uuid and cell
    std::vector<control::NodeMinute> nodes;  // ordered by node

    friend bool operator==(const Minutes&, const Minutes&) = default;
};

// Minutes are those of the wall clock.
class MinuteSums {
  public:
    // The minute before, if the tick begins another one and anything was seen in that. Nothing is
    // counted in a blind tick.
    std::optional<Minutes> update(const Tick& tick);
    // What there is of the last minute: at the end of the process.
    std::optional<Minutes> take();

  private:
    // The use in the minutes is a sum until then.
    struct Cell {
        control::CellMinute minute;
        std::int64_t ticks = 0;
    };
    struct Node {
        control::NodeMinute minute;
        std::int64_t ticks = 0;
    };

    void add(const Tick& tick);
    void add_guest(const Tick& tick, std::size_t index);
    void add_nodes(const Tick& tick);
    void add_moved(const Tick& tick);

    std::int64_t time_ms_ = 0;  // begin of the minute
    std::map<std::pair<std::string, int>, Cell> cells_;
    std::map<int, Node> nodes_;
};

}  // namespace vnuma::history
