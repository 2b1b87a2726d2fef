#include "src/observe/host.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <system_error>

#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

// Between nodes that were never online together the kernel tells no distance. ACPI's default for
// remote nodes is 20.
constexpr int unknown_distance = 20;

std::string read_file(const std::string& file) {
    auto text = read_small_file(file);
    if (!text)
        throw HostError(file + ": cannot be read: " + std::generic_category().message(errno) +
                        (errno == ENOENT ? "; does this kernel support NUMA?" : ""));
    return *text;
}

std::vector<int> read_list(const std::string& file) {
    auto numbers = parse_number_list(read_file(file));
    if (!numbers) throw HostError(file + ": must be a list of numbers");
    return *numbers;
}

// Sorted.
std::vector<int> read_online_nodes(const std::string& root) {
    const std::string file = root + "/node/online";
    std::vector<int> ids = read_list(file);
    if (ids.empty() || ids.size() > max_host_nodes)
        throw HostError(file + ": this host has " + std::to_string(ids.size()) +
                        " nodes; vnumad can serve 1 to " + std::to_string(max_host_nodes));
    return ids;
}

std::string node_directory(const std::string& root, int id) {
    return root + "/node/node" + std::to_string(id);
}

// "Node 0 MemFree:  1234 kB"
Bytes meminfo_field(const std::string& text, const std::string& field, const std::string& file) {
    std::istringstream lines(text);
    for (std::string word, name; lines >> word >> word >> name;) {
        Bytes kib = 0;
        lines >> kib;
        std::getline(lines, word);
        if (name == field + ":") return kib * 1024;
    }
    throw HostError(file + ": has no " + field);
}

// Of CPUs that have siblings, the first of these.
std::map<int, int> read_first_siblings(const std::vector<int>& cpus, const std::string& root) {
    std::map<int, int> first;
    for (const int cpu : cpus) {
        const auto text = read_small_file(root + "/cpu/cpu" + std::to_string(cpu) +
                                          "/topology/thread_siblings_list");
        const auto siblings = text ? parse_number_list(*text) : std::nullopt;
        if (siblings && siblings->size() > 1) first[cpu] = siblings->front();
    }
    return first;
}

MilliCpu capacity_of(const std::vector<int>& cpus, const std::map<int, int>& first_sibling) {
    MilliCpu capacity = 0;
    for (const int cpu : cpus) {
        const auto core = first_sibling.find(cpu);
        const bool first = core == first_sibling.end() || core->second == cpu;
        capacity += first ? core_capacity : sibling_capacity;
    }
    return capacity;
}

// Kernels without this file isolate no CPUs.
std::vector<int> read_isolated(const std::string& root) {
    const auto text = read_small_file(root + "/cpu/isolated");
    const auto cpus = text ? parse_number_list(*text) : std::nullopt;
    return cpus.value_or(std::vector<int>());
}

std::vector<int> read_distances(const std::string& root, int id, const std::vector<int>& ids) {
    const std::string file = node_directory(root, id) + "/distance";
    std::istringstream numbers(read_file(file));
    std::vector<int> distances;
    for (int distance = 0; numbers >> distance;)
        distances.push_back(distance);
    // The kernel prints one distance for each online node.
    if (distances.size() != ids.size())
        throw HostError(file + ": must have one distance for each online node");
    return distances;
}

}  // namespace

std::vector<int> Host::online() const {
    std::vector<int> all;
    for (const std::vector<int>& of_node : cpus)
        all.insert(all.end(), of_node.begin(), of_node.end());
    std::sort(all.begin(), all.end());
    return all;
}

std::vector<int> Host::schedulable(const std::vector<int>& cpus) const {
    std::vector<int> spread;
    std::set_difference(cpus.begin(), cpus.end(), isolated.begin(), isolated.end(),
                        std::back_inserter(spread));
    return spread.empty() ? cpus : spread;
}

std::optional<NodeIndex> Host::index_of(int node_id) const {
    for (std::size_t i = 0; i < topology.nodes.size(); ++i)
        if (topology.nodes[i].id == node_id) return NodeIndex(i);
    return std::nullopt;
}

std::optional<NodeIndex> Host::node_of_cpu(int cpu) const {
    for (std::size_t i = 0; i < cpus.size(); ++i)
        if (std::binary_search(cpus[i].begin(), cpus[i].end(), cpu)) return NodeIndex(i);
    return std::nullopt;
}

Host read_host(const std::string& root) {
    const std::vector<int> ids = read_online_nodes(root);
    Host host;
    for (const int id : ids) {
        HostNode node;
        node.id = id;
        host.cpus.push_back(read_list(node_directory(root, id) + "/cpulist"));
        node.cpus = static_cast<int>(host.cpus.back().size());
        host.first_sibling.merge(read_first_siblings(host.cpus.back(), root));
        node.cpu_capacity = capacity_of(host.cpus.back(), host.first_sibling);
        host.topology.nodes.push_back(node);
        host.topology.distances.push_back(read_distances(root, id, ids));
    }
    host.isolated = read_isolated(root);
    utsname kernel{};
    host.forgets_affinities = ::uname(&kernel) != 0 || forgets_affinities(kernel.release);
    return host;
}

bool forgets_affinities(const std::string& kernel_release) {
    int major = 0, minor = 0;
    const int read = std::sscanf(kernel_release.c_str(), "%d.%d", &major, &minor);
    return read != 2 || major < 6 || (major == 6 && minor < 2);
}

namespace {

bool is_unchanged(const Host& host, const std::vector<int>& online, const std::string& root) {
    std::size_t found = 0;
    for (std::size_t n = 0; n < host.cpus.size(); ++n) {
        const int id = host.topology.nodes[n].id;
        const bool is_online = std::binary_search(online.begin(), online.end(), id);
        found += is_online ? 1 : 0;
        const auto cpus =
            is_online ? read_list(node_directory(root, id) + "/cpulist") : std::vector<int>();
        if (cpus != host.cpus[n]) return false;
    }
    return found == online.size() && read_isolated(root) == host.isolated;
}

// The SLIT of both: where the kernel tells no distance now, the one from before holds.
std::vector<std::vector<int>> merge_distances(const Host& before, const Host& now,
                                              const Host& merged) {
    const std::size_t nodes = merged.topology.nodes.size();
    std::vector<std::vector<int>> distances(nodes, std::vector<int>(nodes, unknown_distance));
    for (std::size_t a = 0; a < nodes; ++a)
        for (std::size_t b = 0; b < nodes; ++b)
            for (const Host* host : {&before, &now}) {
                const auto from = host->index_of(merged.topology.nodes[a].id),
                           to = host->index_of(merged.topology.nodes[b].id);
                if (from && to) distances[a][b] = host->topology.distances[*from][*to];
            }
    return distances;
}

}  // namespace

Host follow_host(const Host& before, const std::string& root) {
    if (is_unchanged(before, read_online_nodes(root), root)) return before;
    const Host now = read_host(root);
    Host merged = before;
    merged.first_sibling = now.first_sibling;
    merged.isolated = now.isolated;
    for (std::size_t n = 0; n < merged.cpus.size(); ++n) {
        HostNode& node = merged.topology.nodes[n];
        const auto found = now.index_of(node.id);
        node = found ? now.topology.nodes[*found] : HostNode{node.id};
        merged.cpus[n] = found ? now.cpus[*found] : std::vector<int>();
    }
    for (std::size_t n = 0; n < now.cpus.size(); ++n) {
        if (merged.index_of(now.topology.nodes[n].id)) continue;
        if (merged.cpus.size() == max_host_nodes)
            throw HostError(root + "/node/online: there have been more than " +
                            std::to_string(max_host_nodes) + " nodes since vnumad was started");
        merged.topology.nodes.push_back(now.topology.nodes[n]);
        merged.cpus.push_back(now.cpus[n]);
    }
    merged.topology.distances = merge_distances(before, now, merged);
    return merged;
}

namespace {

// Reads what the memory files of one node tell.
class NodeMemory {
  public:
    NodeMemory(int node_id, const std::string& root)
        : directory_(node_directory(root, node_id)),
          file_(directory_ + "/meminfo"),
          meminfo_(read_file(file_)) {}

    Bytes total() const { return meminfo_field(meminfo_, "MemTotal", file_); }
    Bytes available() const {
        const Bytes unused_cache = meminfo_field(meminfo_, "Inactive(file)", file_);
        const Bytes dirty = meminfo_field(meminfo_, "Dirty", file_);
        return meminfo_field(meminfo_, "MemFree", file_) + std::max<Bytes>(unused_cache - dirty, 0);
    }
    // Bytes of each pool of huge pages, by page size. `count` is the file that counts its pages.
    std::map<Bytes, Bytes> read_pools(const char* count) const {
        std::map<Bytes, Bytes> pools;
        // A kernel without huge pages has no such directory, a node that goes offline loses it.
        std::error_code error;
        std::filesystem::directory_iterator entry(directory_ + "/hugepages", error);
        for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
            const std::string name = entry->path().filename();  // "hugepages-2048kB"
            Bytes kib = 0, pages = 0;
            if (std::sscanf(name.c_str(), "hugepages-%ldkB", &kib) != 1 || kib <= 0) continue;
            std::istringstream(read_file(entry->path() / count)) >> pages;
            pools[kib * 1024] = pages * kib * 1024;
        }
        return pools;
    }

  private:
    std::string directory_, file_, meminfo_;
};

// A line "cpu3 USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL ..." (proc(5)), in ticks. USER
// includes what guests use.
std::optional<std::int64_t> busy_ticks(std::istringstream fields) {
    std::array<std::int64_t, 8> ticks{};
    for (std::int64_t& field : ticks)
        if (!(fields >> field) || field < 0) return std::nullopt;
    constexpr std::size_t idle = 3, iowait = 4;
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < ticks.size(); ++i)
        sum += i == idle || i == iowait ? 0 : ticks[i];
    return sum;
}

std::vector<std::chrono::milliseconds> read_busy(const Host& host, const std::string& file) {
    std::vector<std::chrono::milliseconds> busy(host.cpus.size());
    const std::int64_t ticks_per_second = ::sysconf(_SC_CLK_TCK);
    std::istringstream lines(read_file(file));
    for (std::string line; std::getline(lines, line);) {
        int cpu = 0, end = 0;
        if (std::sscanf(line.c_str(), "cpu%d %n", &cpu, &end) != 1) continue;
        const auto node = host.node_of_cpu(cpu);
        const auto ticks =
            busy_ticks(std::istringstream(line.substr(static_cast<std::size_t>(end))));
        if (!ticks) throw HostError(file + ": the times of cpu" + std::to_string(cpu) + " are bad");
        if (node) busy[*node] += std::chrono::milliseconds(*ticks * 1000 / ticks_per_second);
    }
    return busy;
}

}  // namespace

Bytes read_available(int node_id, const std::string& root) {
    return NodeMemory(node_id, root).available();
}

HostReading read_host_state(const Host& host, const std::string& root,
                            const std::string& stat_file) {
    HostReading now{host.topology, read_busy(host, stat_file), host.cpus};
    const std::vector<int> online = read_online_nodes(root);
    for (HostNode& node : now.topology.nodes) {
        if (!std::binary_search(online.begin(), online.end(), node.id)) continue;
        const NodeMemory memory(node.id, root);
        node.memory_available = memory.available();
        node.memory_total = memory.total();
        for (const auto& [page, pool] : memory.read_pools("nr_hugepages"))
            node.memory_total -= pool;
        node.huge_available = memory.read_pools("free_hugepages");
    }
    return now;
}

}  // namespace vnuma
