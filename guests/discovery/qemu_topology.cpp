#include "guests/discovery/qemu_topology.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace vnuma {
namespace {

constexpr int max_vcpus = 8192;  // more than KVM allows

std::optional<int> number_of(const QemuOption& option, std::string_view name) {
    const auto number = parse_qemu_number(option.get(name));
    if (!number || *number > max_vcpus) return std::nullopt;
    return static_cast<int>(*number);
}

// Fields of -smp, and those of -machine that begin with "smp.".
void read_fields(const QemuOption& option, const std::string& prefix,
                 std::map<std::string, int>& fields) {
    for (const char* name :
         {"cpus", "maxcpus", "sockets", "dies", "clusters", "modules", "cores", "threads"})
        if (const auto number = number_of(option, prefix + name); number && *number > 0)
            fields[name] = *number;
}

// A place that -numa cpu names, level by level; one that is left out is any.
using Place = std::array<std::optional<int>, 5>;

// Nothing if a number is not understood.
std::optional<Place> place_of(const QemuOption& option) {
    constexpr std::array fields{"thread-id", "core-id", "cluster-id", "die-id", "socket-id"};
    Place place;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (!option.find(fields[i])) continue;
        place[i] = number_of(option, fields[i]);
        if (!place[i]) return std::nullopt;
    }
    return place;
}

bool is_at(int vcpu, const Place& place, const QemuTopology& topology) {
    const std::array counts{topology.threads, topology.cores, topology.clusters, topology.dies};
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (place[i] && *place[i] != vcpu % counts[i]) return false;
        vcpu /= counts[i];
    }
    return !place.back() || *place.back() == vcpu;
}

// The cell that options name for each vCPU, if they name one.
using NamedCells = std::vector<std::optional<int>>;

// Puts the vCPUs of "2" or "0-3" into a cell, unless they are in another. False if the text is
// neither.
bool assign(const std::string& range, int cell, NamedCells& cell_of) {
    const std::size_t dash = range.find('-');
    const auto first = parse_qemu_number(range.substr(0, dash));
    const auto last = dash == std::string::npos ? first : parse_qemu_number(range.substr(dash + 1));
    if (!first || !last) return false;
    for (std::uint64_t vcpu = *first; vcpu <= *last && vcpu < cell_of.size(); ++vcpu)
        if (!cell_of[vcpu]) cell_of[vcpu] = cell;
    return true;
}

// Puts those vCPUs into a cell that are at the place of -numa cpu, unless they are in another.
void assign(const QemuOption& option, const QemuTopology& topology, NamedCells& cell_of) {
    const auto cell = number_of(option, "node-id");
    const auto place = place_of(option);
    if (!cell || !place) return;
    for (int vcpu = 0; vcpu < topology.vcpus; ++vcpu) {
        auto& known = cell_of[static_cast<std::size_t>(vcpu)];
        if (!known && is_at(vcpu, *place, topology)) known = *cell;
    }
}

NamedCells find_named_cells(const std::vector<QemuOption>& options, const QemuTopology& topology,
                            std::vector<std::string>& problems) {
    NamedCells cell_of(static_cast<std::size_t>(topology.vcpus));
    int nodes = 0;
    for (const QemuOption& option : options) {
        const std::string type = option.group == "numa" ? option.get("type") : "";
        if (type == "cpu") assign(option, topology, cell_of);
        if (type != "node") continue;
        const int cell = number_of(option, "nodeid").value_or(nodes);
        ++nodes;
        for (const std::string& range : option.all("cpus"))
            if (!assign(range, cell, cell_of))
                problems.push_back("its cell " + std::to_string(cell) +
                                   " has vCPUs that are not understood");
    }
    return cell_of;
}

}  // namespace

QemuTopology parse_qemu_topology(const std::vector<QemuOption>& options,
                                 std::vector<std::string>& problems) {
    std::map<std::string, int> fields;
    for (const QemuOption& option : options) {
        if (option.group == "smp-opts") read_fields(option, "", fields);
        if (option.group == "machine") read_fields(option, "smp.", fields);
    }
    const auto field = [&](const char* name, int otherwise) {
        const auto at = fields.find(name);
        return at == fields.end() ? otherwise : at->second;
    };
    QemuTopology topology;
    topology.dies = field("dies", 1);
    topology.clusters = field("clusters", field("modules", 1));
    topology.cores = field("cores", 1);
    topology.threads = field("threads", 1);
    const std::int64_t of_socket =
        std::int64_t{topology.dies} * topology.clusters * topology.cores * topology.threads;
    if (of_socket > max_vcpus) {
        problems.push_back("its option -smp has more threads in a socket than KVM has vCPUs");
        return {field("cpus", 1), field("cpus", 1)};
    }
    const std::int64_t named = of_socket * field("sockets", 1);
    topology.vcpus = fields.contains("cpus") || fields.contains("maxcpus")
                         ? std::max(field("cpus", 1), field("maxcpus", 1))
                         : static_cast<int>(std::min<std::int64_t>(named, max_vcpus));
    const auto needed = [&](std::int64_t each) {
        return static_cast<int>(std::max<std::int64_t>((topology.vcpus + each - 1) / each, 1));
    };
    // Cores that are not named are as many as the vCPUs need, and sockets only where cores are.
    if (fields.contains("cores")) {
        topology.sockets = field("sockets", needed(of_socket));
    } else {
        topology.sockets = field("sockets", 1);
        topology.cores = needed(of_socket * topology.sockets);
    }
    return topology;
}

std::map<int, std::vector<int>> cells_of_vcpus(const std::vector<QemuOption>& options,
                                               const QemuTopology& topology,
                                               const std::vector<int>& cells,
                                               std::vector<std::string>& problems) {
    const NamedCells cell_of = find_named_cells(options, topology, problems);
    const bool none = std::none_of(cell_of.begin(), cell_of.end(),
                                   [](const auto& cell) { return cell.has_value(); });
    std::map<int, std::vector<int>> by_cell;
    for (int vcpu = 0; vcpu < topology.vcpus && !cells.empty(); ++vcpu) {
        const auto socket = static_cast<std::size_t>(vcpu / topology.threads_of_socket());
        int cell = none ? cells[socket % cells.size()] : cells.front();
        const auto& named = cell_of[static_cast<std::size_t>(vcpu)];
        if (named && std::find(cells.begin(), cells.end(), *named) != cells.end()) cell = *named;
        by_cell[cell].push_back(vcpu);
    }
    return by_cell;
}

}  // namespace vnuma
