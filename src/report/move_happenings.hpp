// When memory begins to move home, and when that is over. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "src/control/protocol/events.hpp"
#include "src/report/tick.hpp"

namespace vnuma {

// A move begins with its first bytes. It ends when nothing is left to move, when the cell or shard
// has another home or none, when vnumad may not act on the guest any more, or with the guest.
class MoveHappenings {
  public:
    // The tick must not be blind.
    std::vector<control::Happening> update(const Tick& tick);

  private:
    struct Move {
        std::string guest;
        NodeIndex to;
        int to_id = 0;  // the kernel's number
        Bytes moved = 0;
        std::int64_t since_ms = 0;
    };

    control::Happening begin(const Tick& tick, const MoveMemory& move) const;
    static control::Happening end(const Tick& tick, const CellKey& key, const Move& move,
                                  const std::string& why);

    std::map<CellKey, Move> moves_;
};

}  // namespace vnuma
