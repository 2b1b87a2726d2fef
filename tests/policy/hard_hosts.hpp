// Random hosts on which a good placement is hard to find, small enough to try all placements.
#pragma once

#include <numeric>

#include "tests/policy/hosts.hpp"

namespace vnuma::test {

inline constexpr Bytes pool_page = 2 * mib;
inline constexpr int most_cells = 8;

class HardHost {
  public:
    explicit HardHost(std::mt19937& random) : random_(random) {}

    // Each difficulty on every third host.
    Snapshot make() {
        const bool tight_memory = is_so(), tight_cpus = is_so(), uneven = is_so(), ring = is_so(),
                   pools = is_so();
        linked_ = is_so();
        nodes_ = 2 + static_cast<std::size_t>(up_to(2));
        there_.assign(nodes_, 0);
        for (int cells = 0, most = 2 + up_to(most_cells - 2); cells < most;)
            cells += add_guest(most - cells, pools);
        Topology topology = make_topology(nodes_, 0, 0);
        for (std::size_t n = 0; n < nodes_; ++n)
            shape(topology.nodes[n], n, tight_memory ? 2 : 10, tight_cpus ? 2 : 10, uneven);
        if (ring) make_ring(topology);
        if (pools) fill_pools(topology);
        return {0, std::move(topology), std::move(guests_)};
    }

  private:
    int up_to(int most) { return static_cast<int>(random_() % static_cast<unsigned>(most + 1)); }
    bool is_so() { return up_to(2) == 0; }

    // So many cells at most. Returns how many it has.
    int add_guest(int most, bool pools) {
        const int cells = linked_ && most > 1 ? 2 + up_to(std::min(most, 4) - 2) : 1;
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
                if (page == 0) there_[n] += cell.residency[n];
            }
            use_ += cell.cpu_use;
        }
        guests_.push_back(std::move(guest));
        return cells;
    }

    // What all guests use of CPUs and memory, by nodes, and up to so many tenths more.
    void shape(HostNode& node, std::size_t index, int most_memory, int most_cpus, bool uneven) {
        const int nodes = static_cast<int>(nodes_), tenths = uneven ? 5 + up_to(10) : 10;
        const Bytes all = std::accumulate(there_.begin(), there_.end(), Bytes{0});
        node.cpu_capacity = use_ / nodes * tenths / 10 * (9 + up_to(most_cpus)) / 10;
        node.cpus = std::max(8, static_cast<int>(node.cpu_capacity / 1000));
        node.cpu_capacity = node.cpus * MilliCpu{1000};
        node.memory_total = (all / nodes * tenths / 10 + 2 * gib) * (11 + up_to(most_memory)) / 10;
        // What is there fits there.
        node.memory_total = std::max(node.memory_total, there_[index] * 11 / 10 + gib);
        // Pools have their memory elsewhere.
        node.memory_available = node.memory_total - there_[index];
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

    // What is free in the pools, beside what guests have of them.
    void fill_pools(Topology& topology) {
        for (HostNode& node : topology.nodes)
            node.huge_available[pool_page] = up_to(6) * gib;
    }

    std::mt19937& random_;
    std::size_t nodes_ = 2;
    bool linked_ = false;
    std::vector<GuestState> guests_;
    MilliCpu use_ = 0;
    std::vector<Bytes> there_{};  // ordinary memory of all guests, by node
};

// A hard host on which guests are of all kinds: in groups that belong together or apart, watched
// only, lazy and eager, left alone for a moment, and one of them as wide as two nodes.
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
    std::vector<std::size_t> where;
    for (int vcpu = 0; vcpu < 2 * host.topology.nodes[0].cpus; ++vcpu)
        where.push_back(random() % nodes);
    host.guests.push_back(make_wide_guest("wide", where, nodes));
    for (std::size_t n = 0; n < nodes; ++n) {
        const Bytes there = host.guests.back().cells[0].residency[n];
        host.topology.nodes[n].memory_total += 2 * there;
        host.topology.nodes[n].memory_available += there;
    }
    return host;
}

}  // namespace vnuma::test
