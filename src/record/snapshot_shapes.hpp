// Shapes of the parts of a snapshot, for record.cpp. Each struct is taken apart into all of its
// fields, so that a new field does not compile before it is recorded.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <set>

#include "src/json/fields.hpp"
#include "src/record/record.hpp"

namespace vnuma::recorded {

inline constexpr Number some_memory{0, max_recorded_memory};
inline constexpr Number some_cpu{0, max_recorded_cpu};
inline constexpr Number point_in_time{0, max_recorded_time};
inline constexpr Number distance{0, 255};  // as in a SLIT

inline auto cpu_pool_shape(std::size_t nodes) {
    return object_of([nodes](auto& io, auto& pool) {
        auto& [node, capacity, siblings] = pool;
        io.field("node", node, OneNode{nodes});
        io.field("capacity", capacity, some_cpu);
        io.field("siblings", siblings, Number{0, capacity});
    });
}

inline auto topology_shape() {
    const auto pool = [](auto& io, auto& page, auto& available) {
        io.field("page", page, Number{1, max_recorded_memory});
        io.field("available", available, some_memory);
    };
    const auto host_node = object_of([pool](auto& io, auto& node) {
        auto& [id, cpus, capacity, total, available, huge, other_use] = node;
        io.field("id", id, kernel_number);
        io.field("cpus", cpus, kernel_number);
        io.field("cpu_capacity", capacity, some_cpu);
        io.field("memory_total", total, some_memory);
        io.field("memory_available", available, some_memory);
        io.maybe("huge_available", huge, entries_of(pool));
        io.field("other_use", other_use, some_cpu);
    });
    return object_of([host_node](auto& io, auto& topology) {
        auto& [nodes, distances, pools] = topology;
        io.field("nodes", nodes, list_between(host_node, 1, max_host_nodes));
        io.field("distances", distances, list_of(list_of(distance, nodes.size()), nodes.size()));
        io.maybe("pools", pools, list_between(cpu_pool_shape(nodes.size()), 1, max_recorded_pools));
    });
}

inline bool is_ascending(const std::vector<std::size_t>& positions) {
    return std::adjacent_find(positions.begin(), positions.end(), std::greater_equal<>()) ==
           positions.end();
}

inline auto cell_shape(std::size_t nodes, std::size_t pools) {
    return object_of([nodes, pools](auto& io, auto& cell) {
        auto& [key, vcpus, cpu_use, size, residency, heat, huge_page, movable, allowed, confined_to,
               pinned, cpu_pools, unspread_vcpus] = cell;
        io.field("cell", key.cell, kernel_number);  // guest_shape() implies the rest of the key
        io.field("vcpus", vcpus, Number{0, max_recorded_vcpus});
        io.field("cpu_use", cpu_use, some_cpu);
        io.field("size", size, some_memory);
        io.field("residency", residency, list_of(some_memory, nodes));
        io.maybe("heat", heat, list_of(some_memory, nodes));
        io.field("huge_page", huge_page, some_memory);
        io.field("movable", movable, Flag());
        io.field("allowed", allowed, SomeNodes{nodes});
        io.maybe("confined_to", confined_to, OneNode{nodes});
        io.field("pinned", pinned, Flag());
        const Number pool{0, static_cast<std::int64_t>(pools) - 1};
        io.maybe("cpu_pools", cpu_pools, list_between(pool, 0, pools));
        io.check("cpu_pools", is_ascending(cpu_pools), "must be in their order, each once");
        io.unless(0, "unspread_vcpus", unspread_vcpus, Number{0, max_recorded_vcpus});
    });
}

inline auto wide_shape(std::size_t nodes) {
    return object_of([nodes](auto& io, auto& use) {
        auto& [cpu_use, confined_to, extents, accesses, own, shared] = use;
        constexpr Number count{0, std::numeric_limits<std::uint32_t>::max()};
        io.field("cpu_use", cpu_use, list_between(some_cpu, 0, max_recorded_vcpus));
        const std::size_t vcpus = cpu_use.size();
        io.field("confined_to", confined_to, list_of(or_null(OneNode{nodes}), vcpus));
        io.field("extents", extents, Number{0, max_recorded_extents});
        io.field("accesses", accesses, list_of(count, vcpus * extents));
        io.field("own", own, list_of(list_of(some_memory, nodes), vcpus));
        io.field("shared", shared, list_of(list_of(some_memory, nodes), extents));
    });
}

inline auto policy_shape() {
    return object_of([](auto& io, auto& policy) {
        auto& [mode, memory, priority, group, nodes, home, problems] = policy;
        io.field("mode", mode, word_of(modes));
        io.field("memory", memory, word_of(memory_policies));
        io.field("priority", priority, Number{min_priority, max_priority});
        io.maybe("group", group, Text());
        io.maybe("nodes", nodes, list_of(kernel_number));
        io.maybe("home", home, list_of(kernel_number));
        io.maybe("problems", problems, list_of(Text()));
    });
}

inline bool all_differ(const std::vector<CellState>& cells) {
    std::set<int> numbers;
    for (const CellState& cell : cells)
        if (!numbers.insert(cell.key.cell).second) return false;
    return true;
}

inline bool all_differ(const std::vector<GuestState>& guests) {
    std::set<std::string> uuids;
    for (const GuestState& guest : guests)
        if (!uuids.insert(guest.uuid).second) return false;
    return true;
}

inline bool is_of_only_cell(const std::optional<WideUse>& use,
                            const std::vector<CellState>& cells) {
    return !use || (cells.size() == 1 && use->vcpus() == static_cast<std::size_t>(cells[0].vcpus));
}

inline bool is_square(const std::vector<std::vector<int>>& rows) {
    return std::all_of(rows.begin(), rows.end(),
                       [&](const auto& row) { return row.size() == rows.size(); });
}

inline auto guest_shape(std::size_t host_nodes, std::size_t pools) {
    return object_of([host_nodes, pools](auto& io, auto& guest) {
        auto& [uuid, name, unsteady, cells, wide, distances, devices, policy] = guest;
        io.field("uuid", uuid, Text());
        io.field("name", name, Text());
        io.maybe("unsteady", unsteady, Text());
        io.field("cells", cells, list_of(cell_shape(host_nodes, pools)));
        io.check("cells", all_differ(cells), "has two cells with the same number");
        for (auto& cell : cells)
            io.imply(cell.key.uuid, uuid);
        io.maybe("wide", wide, wide_shape(host_nodes));
        io.check("wide", is_of_only_cell(wide, cells),
                 "must belong to a guest of one cell with as many vCPUs");
        io.maybe("distances", distances, list_of(list_of(distance)));
        io.check("distances", is_square(distances), "must be a square matrix");
        io.maybe("devices", devices, list_of(OneNode{host_nodes}));
        io.field("policy", policy, policy_shape());
    });
}

// A sum of non-negative values that stops growing just above its limit, so that it never overflows.
class BoundedSum {
  public:
    explicit BoundedSum(std::int64_t most) : most_(most) {}
    void add(std::int64_t value) { sum_ = std::min(sum_ + value, most_ + 1); }
    void add(const std::vector<std::int64_t>& values) {
        for (const std::int64_t value : values)
            add(value);
    }
    bool is_within_limit() const { return sum_ <= most_; }

  private:
    std::int64_t most_, sum_ = 0;
};

// Whether all sums that the planner makes fit into 64 bits.
inline bool can_be_summed(const std::vector<GuestState>& guests) {
    BoundedSum memory(max_recorded_memory), cpu(max_recorded_cpu);
    for (const GuestState& guest : guests) {
        for (const CellState& cell : guest.cells) {
            memory.add(cell.size);
            memory.add(cell.residency);
            cpu.add(cell.cpu_use);
        }
        if (!guest.wide) continue;
        cpu.add(guest.wide->cpu_use);
        for (const auto* by_node : {&guest.wide->own, &guest.wide->shared})
            for (const std::vector<Bytes>& bytes : *by_node)
                memory.add(bytes);
    }
    return memory.is_within_limit() && cpu.is_within_limit();
}

inline auto snapshot_shape() {
    const auto group = object_of([](auto& io, auto& one) {
        auto& [name, arrangement] = one;
        io.field("name", name, Text());
        io.field("arrangement", arrangement, word_of(arrangements));
    });
    return object_of([group](auto& io, auto& snapshot) {
        auto& [now, topology, guests, groups] = snapshot;
        io.field("now", now, point_in_time);
        io.field("topology", topology, topology_shape());
        const auto guest = guest_shape(topology.nodes.size(), topology.pools.size());
        io.field("guests", guests, list_between(guest, 0, max_recorded_guests));
        io.check("guests", all_differ(guests), "has two guests with the same uuid");
        io.check("guests", can_be_summed(guests),
                 "has more than a million CPUs in use or more than 4 PiB of memory");
        io.maybe("groups", groups, list_between(group, 0, max_recorded_guests));
    });
}

}  // namespace vnuma::recorded
