// Random hosts on which good placements are hard to find, small enough to try all placements.
#pragma once

#include <numeric>

#include "tests/policy/hosts.hpp"

namespace vnuma::test {

inline constexpr Bytes pool_page = 2 * mib;
inline constexpr int max_cells = 8;

class HardHost {
  public:
    explicit HardHost(std::mt19937& random) : random_(random) {}

    // Each difficulty occurs on every third host.
    Snapshot make() {
        const bool tight_memory = one_in_three(), tight_cpus = one_in_three(),
                   uneven = one_in_three(), ring = one_in_three(), pools = one_in_three();
        several_cells_ = one_in_three();
        nodes_ = 2 + static_cast<std::size_t>(up_to(2));
        ordinary_.assign(nodes_, 0);
        for (int cells = 0, count = 2 + up_to(max_cells - 2); cells < count;)
            cells += add_guest(count - cells, pools);
        Topology topology = make_topology(nodes_, 0, 0);
        for (std::size_t n = 0; n < nodes_; ++n)
            shape(topology.nodes[n], n, tight_memory ? 2 : 10, tight_cpus ? 2 : 10, uneven);
        if (ring) make_ring(topology);
        if (pools) set_free_pools(topology);
        return {0, std::move(topology), std::move(guests_)};
    }

  private:
    int up_to(int max) { return static_cast<int>(random_() % static_cast<unsigned>(max + 1)); }
    bool one_in_three() { return up_to(2) == 0; }

    // Returns the number of cells.
    int add_guest(int max, bool pools) {
        const int cells = several_cells_ && max > 1 ? 2 + up_to(std::min(max, 4) - 2) : 1;
        const Bytes page = pools && up_to(1) == 0 ? pool_page : 0;
        GuestState guest = make_guest("g" + std::to_string(guests_.size()), 1 + up_to(7), 0, {});
        for (int c = 0; c < cells; ++c) {
            if (c > 0) guest.cells.push_back(guest.cells[0]);
            CellState& cell = guest.cells.back();
            cell.key.cell = c;
            cell.huge_page = page;
            cell.cpu_use = up_to(cell.vcpus * 1000);
            cell.allowed = NodeSet::first(nodes_);
            cell.movable = up_to(9) > 0;
            cell.residency.assign(nodes_, 0);
            for (std::size_t n = 0; n < nodes_; ++n) {
                cell.residency[n] = up_to(1) * up_to(4) * gib;
                if (page == 0) ordinary_[n] += cell.residency[n];
            }
            use_ += cell.cpu_use;
        }
        guests_.push_back(std::move(guest));
        return cells;
    }

    // The node gets its share of the CPUs and memory that all guests use, and up to this many
    // tenths more.
    void shape(HostNode& node, std::size_t index, int spare_memory, int spare_cpus, bool uneven) {
        const int nodes = static_cast<int>(nodes_), tenths = uneven ? 5 + up_to(10) : 10;
        const Bytes all = std::accumulate(ordinary_.begin(), ordinary_.end(), Bytes{0});
        node.cpu_capacity = use_ / nodes * tenths / 10 * (9 + up_to(spare_cpus)) / 10;
        node.cpus = std::max(8, static_cast<int>(node.cpu_capacity / 1000));
        node.cpu_capacity = node.cpus * MilliCpu{1000};
        node.memory_total = (all / nodes * tenths / 10 + 2 * gib) * (11 + up_to(spare_memory)) / 10;
        // The node holds the memory that is on it.
        node.memory_total = std::max(node.memory_total, ordinary_[index] * 11 / 10 + gib);
        // Pools of huge pages are not part of a node's ordinary memory.
        node.memory_available = node.memory_total - ordinary_[index];
    }

    static void make_ring(Topology& topology) {
        const std::size_t nodes = topology.nodes.size();
        for (std::size_t a = 0; a < nodes; ++a)
            for (std::size_t b = 0; b < nodes; ++b) {
                const std::size_t steps =
                    std::min((a + nodes - b) % nodes, (b + nodes - a) % nodes);
                topology.distances[a][b] = steps == 0 ? local_distance : steps == 1 ? 16 : 22;
            }
    }

    // What is free in the pools, in addition to what guests use of them.
    void set_free_pools(Topology& topology) {
        for (HostNode& node : topology.nodes)
            node.huge_available[pool_page] = up_to(6) * gib;
    }

    std::mt19937& random_;
    std::size_t nodes_ = 2;
    bool several_cells_ = false;  // of some guests
    std::vector<GuestState> guests_;
    MilliCpu use_ = 0;
    std::vector<Bytes> ordinary_{};  // memory of all guests in ordinary pages, by node
};

// A hard host with guests of all kinds: in groups that are arranged together or apart, in every
// mode, with every memory policy and priority, unsteady, and one guest as wide as two nodes.
inline Snapshot mixed_host(std::mt19937& random) {
    Snapshot host = HardHost(random).make();
    host.groups = {{"together", Arrangement::together}, {"apart", Arrangement::apart}};
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    for (GuestState& guest : host.guests) {
        if (one_in(2)) guest.policy.group = host.groups[random() % 2].name;
        if (one_in(5)) guest.policy.mode = one_in(2) ? Mode::observe : Mode::off;
        guest.policy.memory = memory_policies[random() % 3].first;
        if (guest.policy.memory == MemoryPolicy::none) guest.cells[0].movable = false;
        guest.policy.priority = static_cast<int>(random() % 3) * 100 - 100;
        if (one_in(8)) guest.unsteady = "it is paused";
    }
    const std::size_t nodes = host.topology.nodes.size();
    std::vector<std::size_t> node_of_vcpu;
    for (int vcpu = 0; vcpu < 2 * host.topology.nodes[0].cpus; ++vcpu)
        node_of_vcpu.push_back(random() % nodes);
    host.guests.push_back(make_wide_guest("wide", node_of_vcpu, nodes));
    for (std::size_t n = 0; n < nodes; ++n) {
        const Bytes bytes = host.guests.back().cells[0].residency[n];
        host.topology.nodes[n].memory_total += 2 * bytes;
        host.topology.nodes[n].memory_available += bytes;
    }
    return host;
}

}  // namespace vnuma::test
