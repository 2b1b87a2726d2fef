// Makes traces of random guests. The same seed gives the same trace.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include "policy/search/cost.hpp"
#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

inline constexpr Bytes gib = 1024 * mib;
inline constexpr Millis second = 1000, minute = 60 * second;
inline constexpr std::size_t max_guests = 500;
// Distances: between all nodes, or in a ring between neighbours and between other nodes.
inline constexpr int distant = 21, neighbour = 16, across = 32;

class TraceMaker {
  public:
    TraceMaker(std::string name, unsigned seed, std::size_t nodes, int cpus, Bytes memory)
        : random_(seed) {
        trace_.name = std::move(name);
        trace_.seed = seed;
        trace_.length = 60 * minute;
        for (std::size_t n = 0; n < nodes; ++n) {
            HostNode& node = trace_.topology.nodes.emplace_back();
            node.id = static_cast<int>(n);
            node.cpus = cpus;
            node.cpu_capacity = cpus * MilliCpu{1000};
            node.memory_total = memory;
            node.memory_available = memory - gib;  // used by the host itself
            node.other_use = 200;
            trace_.topology.distances.emplace_back(nodes, distant);
            trace_.topology.distances[n][n] = local_distance;
        }
    }

    std::int64_t between(std::int64_t min, std::int64_t max) {
        return min +
               static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(max - min + 1));
    }
    template <typename T>
    T one_of(std::initializer_list<T> values) {
        return values.begin()[random_() % values.size()];
    }

    // In a ring, nodes that are not neighbours are further apart.
    void make_ring() {
        auto& distances = trace_.topology.distances;
        for (std::size_t a = 0; a < distances.size(); ++a)
            for (std::size_t b = 0; b < distances.size(); ++b) {
                const std::size_t steps = a < b ? b - a : a - b;
                if (a != b)
                    distances[a][b] =
                        std::min(steps, distances.size() - steps) == 1 ? neighbour : across;
            }
    }

    // Adds a guest of equal, idle cells, which stays for the whole trace and has one phase.
    GuestTrace& add(std::size_t cells, int vcpus, Bytes size) {
        GuestTrace& guest = trace_.guests.emplace_back();
        guest.name = 'g' + std::to_string(trace_.guests.size());
        guest.arrives = between(0, 60) * second;
        guest.departs = trace_.length;
        for (std::size_t c = 0; c < cells; ++c) {
            CellTrace& cell = guest.cells.emplace_back();
            cell.vcpus = vcpus;
            cell.allowed = NodeSet::first(trace_.topology.nodes.size());
            cell.tracked = between(1, 4) > 1;
        }
        Phase& phase = guest.phases.emplace_back();
        phase.cells.resize(cells);
        for (CellPhase& cell : phase.cells) {
            cell.size = size;
            cell.allocated = between(600, 1000);
            cell.first_hot = static_cast<std::size_t>(between(0, regions - 1));
        }
        return guest;
    }

    // Adds a guest of ordinary size with one cell.
    GuestTrace& add_ordinary() {
        const int vcpus = one_of({1, 2, 2, 4, 4, 8});
        return add(1, vcpus, vcpus * between(2, 8) * gib / 2);
    }

    // Sets the work of each cell to a random share of its vCPUs.
    void set_load(GuestTrace& guest, PerMille min, PerMille max) {
        for (std::size_t c = 0; c < guest.cells.size(); ++c)
            guest.phases[0].cells[c].work = guest.cells[c].vcpus * between(min, max);
    }

    // Adds guests until more than this share of the host's CPUs or memory would be used.
    template <typename AddOne>
    void fill(PerMille cpus, PerMille memory, AddOne&& add_one) {
        while (trace_.guests.size() < max_guests) {
            add_one();
            MilliCpu work = 0, capacity = 0;
            Bytes size = 0, total = 0;
            for (const HostNode& node : trace_.topology.nodes)
                capacity += node.cpu_capacity, total += node.memory_total;
            for (const GuestTrace& guest : trace_.guests)
                for (const CellPhase& cell : guest.phases[0].cells)
                    work += cell.work, size += cell.size;
            if (work <= capacity * cpus / 1000 && size <= total / 1000 * memory) continue;
            trace_.guests.pop_back();
            return;
        }
    }

    // Adds phases of a random length until the guest stops, each a copy of the one before with
    // changes.
    template <typename Change>
    void add_phases(GuestTrace& guest, Millis min_length, Millis max_length, Change&& change) {
        const Millis life = guest.departs - guest.arrives;
        for (Millis at = between(0, max_length); at < life; at += between(min_length, max_length)) {
            Phase phase = guest.phases.back();
            phase.begins = std::max<Millis>(at, 1);
            change(phase);
            guest.phases.push_back(std::move(phase));
        }
    }

    Trace& trace() { return trace_; }

  private:
    std::mt19937 random_;
    Trace trace_;
};

}  // namespace vnuma::simulator
