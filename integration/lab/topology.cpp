#include "integration/lab/topology.hpp"

#include <nlohmann/json.hpp>
#include <numeric>

namespace vnuma::lab {
namespace {

using nlohmann::json;

constexpr int local_distance = 10;
constexpr int max_distance = 254;  // 255 means unreachable

[[noreturn]] void fail(const std::string& origin, const std::string& what) {
    throw TopologyError(origin + ": " + what);
}

Node parse_node(const json& value, const std::string& where) {
    if (!value.is_object()) fail(where, "is not an object");
    Node node;
    for (const auto& [key, number] : value.items()) {
        if (key != "cpus" && key != "mib") fail(where, "unknown key \"" + key + "\"");
        if (!number.is_number_unsigned()) fail(where, key + " is not a whole number");
    }
    node.cpus = value.value("cpus", 0);
    node.mib = value.value("mib", std::int64_t{0});
    if (node.cpus == 0 && node.mib == 0) fail(where, "has neither cpus nor mib");
    return node;
}

std::vector<std::vector<int>> parse_distances(const json& rows, std::size_t nodes,
                                              const std::string& where) {
    if (!rows.is_array() || rows.size() != nodes)
        fail(where, "wants one row for each of " + std::to_string(nodes) + " nodes");
    std::vector<std::vector<int>> distances;
    for (std::size_t from = 0; from < nodes; ++from) {
        const json& row = rows[from];
        const std::string here = where + "[" + std::to_string(from) + "]";
        if (!row.is_array() || row.size() != nodes) fail(here, "wants one distance for each node");
        std::vector<int>& numbers = distances.emplace_back();
        for (std::size_t to = 0; to < nodes; ++to) {
            if (!row[to].is_number_integer()) fail(here, "holds something that is no number");
            const int distance = row[to];
            if (from == to && distance != local_distance) fail(here, "a node's own distance is 10");
            if (from != to && (distance <= local_distance || distance > max_distance))
                fail(here, "distances to others are 11 to 254");
            numbers.push_back(distance);
        }
    }
    return distances;
}

}  // namespace

int Topology::cpus() const {
    return std::accumulate(nodes.begin(), nodes.end(), 0,
                           [](int sum, const Node& node) { return sum + node.cpus; });
}

std::int64_t Topology::mib() const {
    return std::accumulate(nodes.begin(), nodes.end(), std::int64_t{0},
                           [](std::int64_t sum, const Node& node) { return sum + node.mib; });
}

Topology parse_topology(std::string_view text, const std::string& origin) {
    const json file = json::parse(text, nullptr, false, /*ignore_comments=*/true);
    if (!file.is_object()) fail(origin, "is not a JSON object");
    for (const auto& [key, value] : file.items())
        if (key != "nodes" && key != "distances") fail(origin, "unknown key \"" + key + "\"");
    const auto nodes = file.find("nodes");
    if (nodes == file.end() || !nodes->is_array() || nodes->empty() || nodes->size() > max_nodes)
        fail(origin, "\"nodes\" wants a list of 1 to " + std::to_string(max_nodes) + " nodes");

    Topology topology;
    for (std::size_t i = 0; i < nodes->size(); ++i)
        topology.nodes.push_back(
            parse_node((*nodes)[i], origin + ": nodes[" + std::to_string(i) + "]"));
    if (topology.cpus() < 1 || topology.cpus() > max_cpus)
        fail(origin, "a host has 1 to " + std::to_string(max_cpus) + " CPUs");
    if (topology.nodes[0].cpus == 0 || topology.nodes[0].mib == 0)
        fail(origin, "node 0 boots the host: it needs cpus and mib");
    topology.distances =
        parse_distances(file.value("distances", json()), nodes->size(), origin + ": distances");
    return topology;
}

std::vector<std::string> qemu_options(const Topology& topology) {
    std::vector<std::string> options{"-smp", std::to_string(topology.cpus()), "-m",
                                     std::to_string(topology.mib()) + "M"};
    const auto add = [&](const std::string& option, const std::string& value) {
        options.push_back(option);
        options.push_back(value);
    };
    int next_cpu = 0;
    for (std::size_t id = 0; id < topology.nodes.size(); ++id) {
        const Node& node = topology.nodes[id];
        std::string numa = "node,nodeid=" + std::to_string(id);
        if (node.cpus > 0) {
            numa += ",cpus=" + std::to_string(next_cpu) + "-" +
                    std::to_string(next_cpu + node.cpus - 1);
            next_cpu += node.cpus;
        }
        if (node.mib > 0) {
            const std::string name = "ram-node" + std::to_string(id);
            add("-object",
                "memory-backend-ram,id=" + name + ",size=" + std::to_string(node.mib) + "M");
            numa += ",memdev=" + name;
        }
        add("-numa", numa);
    }
    for (std::size_t from = 0; from < topology.nodes.size(); ++from)
        for (std::size_t to = 0; to < topology.nodes.size(); ++to)
            if (from != to)
                add("-numa", "dist,src=" + std::to_string(from) + ",dst=" + std::to_string(to) +
                                 ",val=" + std::to_string(topology.distances[from][to]));
    return options;
}

}  // namespace vnuma::lab
