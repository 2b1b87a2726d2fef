// The shape of a lab host: a small JSON file in, QEMU's -smp, -m and -numa options out. Pure.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma::lab {

inline constexpr std::size_t max_nodes = 16;
inline constexpr int max_cpus = 64;

struct TopologyError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Node {
    int cpus = 0;          // 0: a node with memory only
    std::int64_t mib = 0;  // 0: a node with CPUs only
};

struct Topology {
    std::vector<Node> nodes;
    std::vector<std::vector<int>> distances;  // SLIT values, 10 on the diagonal

    int cpus() const;
    std::int64_t mib() const;
};

// `origin` names the text in errors. Throws TopologyError.
Topology parse_topology(std::string_view text, const std::string& origin);

std::vector<std::string> qemu_options(const Topology& topology);

}  // namespace vnuma::lab
