#include "src/observe/host.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

constexpr MilliCpu core_capacity = 1000;
// What a further hardware thread of a busy core adds; numad uses the same.
constexpr MilliCpu sibling_capacity = 200;

std::string read_file(const std::string& file) {
    auto text = read_small_file(AT_FDCWD, file);
    if (!text) throw HostError(file + ": cannot be read; does this kernel support NUMA?");
    return *text;
}

std::vector<int> read_list(const std::string& file) {
    auto numbers = parse_number_list(read_file(file));
    if (!numbers) throw HostError(file + ": is no list of numbers");
    return *numbers;
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

MilliCpu capacity_of(const std::vector<int>& cpus, const std::string& root) {
    MilliCpu capacity = 0;
    for (const int cpu : cpus) {
        const auto text = read_small_file(
            AT_FDCWD, root + "/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
        const auto siblings = text ? parse_number_list(*text) : std::nullopt;
        const bool first = !siblings || siblings->empty() || siblings->front() == cpu;
        capacity += first ? core_capacity : sibling_capacity;
    }
    return capacity;
}

std::vector<int> read_distances(const std::string& root, int id, const std::vector<int>& ids) {
    const std::string file = node_directory(root, id) + "/distance";
    std::istringstream numbers(read_file(file));
    std::vector<int> distances;
    for (int distance = 0; numbers >> distance;)
        distances.push_back(distance);
    // The kernel prints one distance for each online node.
    if (distances.size() != ids.size())
        throw HostError(file + ": has not one distance for each online node");
    return distances;
}

}  // namespace

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
    const std::vector<int> ids = read_list(root + "/node/online");
    if (ids.empty() || ids.size() > max_host_nodes)
        throw HostError(root + "/node/online: this host has " + std::to_string(ids.size()) +
                        " nodes, vnumad can serve 1 to " + std::to_string(max_host_nodes));
    Host host;
    for (const int id : ids) {
        HostNode node;
        node.id = id;
        host.cpus.push_back(read_list(node_directory(root, id) + "/cpulist"));
        node.cpus = static_cast<int>(host.cpus.back().size());
        node.cpu_capacity = capacity_of(host.cpus.back(), root);
        const std::string meminfo = node_directory(root, id) + "/meminfo";
        node.memory_total = meminfo_field(read_file(meminfo), "MemTotal", meminfo);
        host.topology.nodes.push_back(node);
        host.topology.distances.push_back(read_distances(root, id, ids));
    }
    return host;
}

Bytes read_available(int node_id, const std::string& root) {
    const std::string file = node_directory(root, node_id) + "/meminfo";
    const std::string text = read_file(file);
    const Bytes unused_cache = meminfo_field(text, "Inactive(file)", file);
    const Bytes dirty = meminfo_field(text, "Dirty", file);
    return meminfo_field(text, "MemFree", file) + std::max<Bytes>(unused_cache - dirty, 0);
}

namespace {

// Bytes of each pool by page size, of what a file of it counts.
std::map<Bytes, Bytes> read_pools(int node_id, const char* file, const std::string& root) {
    std::map<Bytes, Bytes> pools;
    // A kernel without huge pages has no such directory, a node that goes offline loses it.
    std::error_code error;
    std::filesystem::directory_iterator entry(node_directory(root, node_id) + "/hugepages", error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename();  // "hugepages-2048kB"
        Bytes kib = 0, pages = 0;
        if (std::sscanf(name.c_str(), "hugepages-%ldkB", &kib) != 1 || kib <= 0) continue;
        std::istringstream(read_file(entry->path() / file)) >> pages;
        pools[kib * 1024] = pages * kib * 1024;
    }
    return pools;
}

}  // namespace

std::map<Bytes, Bytes> read_huge_available(int node_id, const std::string& root) {
    return read_pools(node_id, "free_hugepages", root);
}

Bytes read_huge_total(int node_id, const std::string& root) {
    Bytes bytes = 0;
    for (const auto& [page, pool] : read_pools(node_id, "nr_hugepages", root))
        bytes += pool;
    return bytes;
}

namespace {

// A line "cpu3 USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL ..." (proc(5)), in ticks; what guests
// use is in USER, too.
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
        if (!ticks) throw HostError(file + ": has no sensible times of cpu" + std::to_string(cpu));
        if (node) busy[*node] += std::chrono::milliseconds(*ticks * 1000 / ticks_per_second);
    }
    return busy;
}

}  // namespace

HostReading read_host_state(const Host& host, const std::string& root,
                            const std::string& stat_file) {
    HostReading now{host.topology, read_busy(host, stat_file)};
    for (HostNode& node : now.topology.nodes) {
        node.memory_available = read_available(node.id, root);
        node.memory_total -= read_huge_total(node.id, root);
        node.huge_available = read_huge_available(node.id, root);
    }
    return now;
}

}  // namespace vnuma
