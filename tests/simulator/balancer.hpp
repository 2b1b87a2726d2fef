// Who decides where guests run, and where their memory goes.
#pragma once

#include <string>
#include <vector>

#include "policy/learn.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma::simulator {

// From now on a cell's vCPUs run on these nodes, or its memory is brought to them from all others.
struct Order {
    CellKey key;
    NodeSet to;
    bool memory = false;
    // Of a shard its vCPUs, and what it brings of what several touch (MoveMemory).
    std::vector<std::size_t> vcpus{}, groups{};
};

struct Outcome {
    Bytes bytes = 0;
    std::string error;  // empty when all went well
};

class Balancer {
  public:
    virtual ~Balancer() = default;
    virtual const char* name() const = 0;
    // Bytes it moves in a second.
    virtual Bytes pace() const { return 0; }
    // Before guests start, in time for their memory to be touched where their vCPUs are. They are
    // not on the host yet.
    virtual std::vector<Order> place(const Snapshot& /*host*/,
                                     const std::vector<GuestState>& /*newcomers*/) {
        return {};
    }
    // Once a tick.
    virtual std::vector<Order> decide(const Snapshot& /*host*/) { return {}; }
    // What became of the orders last decided on, one by one.
    virtual void learn(const Snapshot& /*host*/, const std::vector<Outcome>& /*outcomes*/) {}
};

}  // namespace vnuma::simulator
