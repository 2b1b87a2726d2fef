#include "guests/discovery/qemu_topology.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace vnuma {
namespace {

constexpr int max_vcpus = 8192;  // more than KVM allows
// How many vCPUs options may name, repetitions among them: -numa cpu names a whole socket with a
// few letters.
constexpr std::size_t max_named_vcpus = std::size_t{1} << 20;

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

// The vCPUs at a place: those of a level are numbered one after the other within the one above.
std::vector<int> vcpus_at(const Place& place, const QemuTopology& topology) {
    const int of_socket = topology.threads_of_socket();
    const std::array counts{topology.threads, topology.cores, topology.clusters, topology.dies,
                            (topology.vcpus + of_socket - 1) / of_socket};
    std::vector<int> found{0};
    for (std::size_t level = counts.size(); level-- > 0;) {
        const int first = place[level].value_or(0), last = place[level].value_or(counts[level]);
        std::vector<int> inside;
        for (const int above : found)
            for (int i = first; i <= last && i < counts[level]; ++i)
                inside.push_back(above * counts[level] + i);
        found = std::move(inside);
    }
    return found;
}

// The cell that options name for each vCPU, if they name one. The first option that names a vCPU
// counts.
class NamedCells {
  public:
    explicit NamedCells(int vcpus) : cells_(static_cast<std::size_t>(vcpus)) {}

    void put(std::uint64_t vcpu, int cell) {
        ++named_;
        if (vcpu < cells_.size() && !cells_[vcpu]) cells_[vcpu] = cell;
    }
    std::size_t size() const { return cells_.size(); }
    bool is_full() const { return named_ >= max_named_vcpus; }
    const std::vector<std::optional<int>>& cells() const { return cells_; }

  private:
    std::vector<std::optional<int>> cells_;
    std::size_t named_ = 0;
};

// Puts the vCPUs of "2" or "0-3" into a cell. False if the text is neither.
bool assign(const std::string& text, int cell, NamedCells& named) {
    const auto range = parse_qemu_range(text);
    if (!range) return false;
    for (std::uint64_t vcpu = range->first; vcpu <= range->second && vcpu < named.size(); ++vcpu)
        named.put(vcpu, cell);
    return true;
}

// Puts those vCPUs into a cell that are at the place of -numa cpu.
void assign(const QemuOption& option, const QemuTopology& topology, NamedCells& named) {
    const auto cell = number_of(option, "node-id");
    const auto place = place_of(option);
    if (!cell || !place) return;
    for (const int vcpu : vcpus_at(*place, topology))
        named.put(static_cast<std::uint64_t>(vcpu), *cell);
}

NamedCells find_named_cells(const std::vector<QemuOption>& options, const QemuTopology& topology,
                            std::vector<std::string>& problems) {
    NamedCells named(topology.vcpus);
    int nodes = 0;
    for (const QemuOption& option : options) {
        const std::string type = option.group == "numa" ? option.get("type") : "";
        if (type == "cpu" && !named.is_full()) assign(option, topology, named);
        if (type != "node") continue;
        const int cell = number_of(option, "nodeid").value_or(nodes);
        ++nodes;
        for (const std::string& range : option.all("cpus"))
            if (!named.is_full() && !assign(range, cell, named))
                add_problem(problems, "its cell " + std::to_string(cell) +
                                          " has vCPUs that are not understood");
    }
    if (named.is_full())
        add_problem(problems, "its options -numa name " + std::to_string(max_named_vcpus) +
                                  " vCPUs or more; the others are ignored");
    return named;
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
        add_problem(problems, "its option -smp has more threads in a socket than KVM has vCPUs");
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
    const NamedCells named_cells = find_named_cells(options, topology, problems);
    const auto& cell_of = named_cells.cells();
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
