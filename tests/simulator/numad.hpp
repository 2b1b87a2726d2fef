// numad as published (version of 2016): binds whole processes to sets of nodes, one at a time, and
// moves all of their memory there.
#pragma once

#include <map>

#include "policy/learn.hpp"
#include "tests/simulator/balancer.hpp"

namespace vnuma::simulator {

class Numad : public Balancer {
  public:
    // With `advises` it says where a guest should start, as numad -w does for libvirt's
    // placement='auto'.
    explicit Numad(bool advises = false) : advises_(advises) {}

    const char* name() const override { return advises_ ? "numad, asked first" : "numad"; }
    // numad moves memory without pauses. One CPU copies 1 GiB/s (policy/search/cost.hpp).
    Bytes pace() const override { return 1024 * mib; }
    std::vector<Order> place(const Snapshot& host,
                             const std::vector<GuestState>& newcomers) override;
    std::vector<Order> decide(const Snapshot& host) override;
    void learn(const Snapshot& host, const std::vector<Outcome>& outcomes) override;

  private:
    // In numad's units: MiB, and hundredths of a CPU.
    struct Node {
        std::int64_t memory = 0, cpus = 0;  // total
        std::int64_t memory_free = 0, cpus_free = 0;
        std::int64_t value = 0;  // rating for the process to be bound
    };
    struct Process {
        const GuestState* guest = nullptr;
        std::vector<std::int64_t> memory_on;  // by node
        std::int64_t memory = 0, cpus = 0;    // used
        std::int64_t threads = 0;
        NodeSet nodes;  // to which it is bound; all nodes if it is not bound
        bool bound = false;
        Millis bound_at = 0;
    };
    struct Demand {
        std::int64_t memory = 0, cpus = 0;
    };

    void update_nodes(const Snapshot& host);
    std::vector<Process> candidates(const Snapshot& host) const;
    static void sort(std::vector<Process>& processes);
    bool is_too_soon(const Process& process, const Demand& demand, Millis now) const;
    std::vector<Node> nodes_for(const Process& process, const Demand& demand) const;
    std::vector<std::size_t> by_distance(const std::vector<Node>& nodes, std::size_t from) const;
    // The CPUs may fall short of the demand by `cpu_tolerance`.
    NodeSet choose_nodes(const std::vector<Node>& nodes, Demand demand,
                         std::int64_t cpu_tolerance) const;

    struct Binding {
        NodeSet nodes;
        Millis at = 0;
    };
    bool advises_;
    std::map<std::string, Binding> bindings_;  // by uuid
    std::vector<Order> move_;  // in progress; no other process is considered until it is done
    Millis next_evaluation_ = 0;
    std::vector<Node> nodes_;
    const Topology* topology_ = nullptr;
};

}  // namespace vnuma::simulator
