// numad as published (its version of 2016): binds whole processes to sets of nodes, one at a time,
// and moves all of their memory there.
#pragma once

#include <map>

#include "policy/learn.hpp"
#include "tests/simulator/balancer.hpp"

namespace vnuma::simulator {

class Numad : public Balancer {
  public:
    // Asked first (numad -w, as libvirt does for placement='auto'), it says where a guest should
    // start.
    explicit Numad(bool asked_first = false) : asked_first_(asked_first) {}

    const char* name() const override { return asked_first_ ? "numad, asked first" : "numad"; }
    // It moves without pause; a GiB a second is what one CPU copies (policy/cost.hpp).
    Bytes pace() const override { return 1024 * mib; }
    std::vector<Order> place(const Snapshot& host,
                             const std::vector<GuestState>& newcomers) override;
    std::vector<Order> decide(const Snapshot& host) override;
    void learn(const Snapshot& host, const std::vector<Outcome>& outcomes) override;

  private:
    // Its units: MiB, and hundredths of a CPU.
    struct Node {
        std::int64_t memory = 0, cpus = 0;  // in all
        std::int64_t memory_free = 0, cpus_free = 0;
        std::int64_t value = 0;  // to the process in question
    };
    struct Process {
        const GuestState* guest = nullptr;
        std::vector<std::int64_t> memory_on;  // by node
        std::int64_t memory = 0, cpus = 0;    // used
        std::int64_t threads = 0;
        NodeSet nodes;  // bound to; all: it is not
        bool bound = false;
        Millis bound_at = 0;
    };
    struct PlacementRequest {
        std::int64_t memory = 0, cpus = 0;
    };

    void see(const Snapshot& host);
    std::vector<Process> candidates(const Snapshot& host) const;
    static void put_in_order(std::vector<Process>& processes);
    bool is_too_soon(const Process& process, const PlacementRequest& request, Millis now) const;
    std::vector<Node> nodes_for(const Process& process, const PlacementRequest& request) const;
    std::vector<std::size_t> by_distance(const std::vector<Node>& nodes, std::size_t from) const;
    NodeSet pick(const std::vector<Node>& nodes, PlacementRequest request,
                 std::int64_t cpus_to_miss) const;

    struct Binding {
        NodeSet nodes;
        Millis at = 0;
    };
    bool asked_first_;
    std::map<std::string, Binding> bindings_;  // by uuid
    std::vector<Order> move_;  // under way: nothing else is looked at before it is done
    Millis next_look_ = 0;
    std::vector<Node> nodes_;
    const Topology* topology_ = nullptr;
};

}  // namespace vnuma::simulator
