// The interface of vnumad and of the balancers that it is compared with.
#pragma once

#include <string>
#include <vector>

#include "policy/learn.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma::simulator {

// Confines a cell's vCPUs to these nodes, or moves its memory there from all other nodes.
struct Order {
    CellKey key;
    NodeSet to;
    bool memory = false;                 // moves the memory instead of the vCPUs
    std::vector<std::size_t> vcpus{};    // of a shard, as in PinCell and MoveMemory
    std::vector<std::size_t> extents{};  // of a shard, as in MoveMemory
};

struct Outcome {
    Bytes bytes = 0;
    std::string error;  // empty if there was none
};

class Balancer {
  public:
    virtual ~Balancer() = default;
    virtual const char* name() const = 0;
    // Memory moved per second.
    virtual Bytes pace() const { return 0; }
    // Called before guests start, so that their memory is allocated where their vCPUs will be. The
    // host does not have these guests yet.
    virtual std::vector<Order> place(const Snapshot& /*host*/,
                                     const std::vector<GuestState>& /*newcomers*/) {
        return {};
    }
    // Called once per tick.
    virtual std::vector<Order> decide(const Snapshot& /*host*/) { return {}; }
    // Gets the outcome of each of the orders last decided on.
    virtual void learn(const Snapshot& /*host*/, const std::vector<Outcome>& /*outcomes*/) {}
};

}  // namespace vnuma::simulator
