#include "integration/scenarios/scenario.hpp"

#include <algorithm>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

constexpr double nearly_all = 0.99;

int node_of(const std::vector<int>& cpus) {
    for (const int node : online_nodes()) {
        const std::vector<int> of_node = node_cpus(node);
        if (!cpus.empty() &&
            std::includes(of_node.begin(), of_node.end(), cpus.begin(), cpus.end()))
            return node;
    }
    return -1;
}

int accessed_mib(const GuestShape& shape, std::size_t cell) {
    const int first = first_vcpu_of(shape, cell);
    int mib = 0;
    for (int vcpu = first; vcpu < first + shape.cells[cell].vcpus; ++vcpu)
        mib += buffer_mib_of(shape, vcpu);
    return mib;
}

std::uint64_t resident(const Mapping& mapping) {
    std::uint64_t sum = 0;
    for (const auto& [node, bytes] : mapping.bytes)
        sum += bytes;
    return sum;
}

// The cell's block is the mapping of its size. Of several mappings of that size, it is the one
// whose rank by resident memory is the cell's rank by accessed memory.
Mapping memory_of(const KvmGuest& guest, std::size_t cell) {
    const GuestShape& shape = guest.shape();
    const int mib = shape.cells[cell].mib, accessed = accessed_mib(shape, cell);
    std::size_t rank = 0;
    for (std::size_t other = 0; other < shape.cells.size(); ++other)
        if (shape.cells[other].mib == mib && accessed_mib(shape, other) > accessed) ++rank;
    const auto size = static_cast<std::uint64_t>(mib) << 20;
    std::vector<Mapping> blocks = large_mappings(guest.pid(), size);
    std::erase_if(blocks, [&](const Mapping& block) { return block.size != size; });
    std::sort(blocks.begin(), blocks.end(),
              [](const Mapping& a, const Mapping& b) { return resident(a) > resident(b); });
    return rank < blocks.size() ? blocks[rank] : Mapping{};
}

}  // namespace

using nlohmann::json;

json field(const json& from, const std::string& pointer) {
    const json::json_pointer place(pointer);
    return from.contains(place) ? from.at(place) : json();
}

json wait_for_guest(Daemon& vnumad, const std::string& name,
                    const std::function<bool(const json&)>& condition) {
    const json report = vnumad.wait_for(
        [&](const json& report) {
            const json guest = find_guest(report, name);
            return !guest.is_null() && condition(guest);
        },
        settle_limit);
    return find_guest(report, name);
}

bool let_pass(Daemon& vnumad, int reports) {
    vnumad.take_reports();
    for (int i = 0; i < reports; ++i)
        if (vnumad.wait_for([](const json&) { return true; }, settle_limit).is_null()) return false;
    return true;
}

bool is_unsteady_because(const json& guest, const std::string& text) {
    const json why = field(guest, "/unsteady");
    return why.is_string() && why.get<std::string>().find(text) != std::string::npos;
}

std::map<pid_t, std::vector<int>> affinities_of(const KvmGuest& guest) {
    std::map<pid_t, std::vector<int>> affinities;
    for (const pid_t task : tasks_of(guest.pid()))
        affinities[task] = affinity_of(task);
    return affinities;
}

Placement placement_of_cell(const KvmGuest& guest, std::size_t cell) {
    const GuestShape& shape = guest.shape();
    Placement placement;
    placement.memory_bytes = memory_of(guest, cell).bytes;
    double total = 0;
    for (const auto& [node, bytes] : placement.memory_bytes)
        total += static_cast<double>(bytes);
    for (const auto& [node, bytes] : placement.memory_bytes)
        placement.memory_share[node] = static_cast<double>(bytes) / total;

    const int first = first_vcpu_of(shape, cell);
    const std::map<int, pid_t> threads = guest.vcpu_threads();
    for (int vcpu = first; vcpu < first + shape.cells[cell].vcpus; ++vcpu) {
        const auto thread = threads.find(vcpu);
        placement.vcpu_nodes.push_back(
            thread == threads.end() ? -1 : node_of(affinity_of(thread->second)));
    }
    return placement;
}

Placement placement_of(const KvmGuest& guest) {
    return placement_of_cell(guest, 0);
}

int home_of(const Placement& placement) {
    if (placement.vcpu_nodes.empty()) return -1;
    const int node = placement.vcpu_nodes.front();
    const auto share = placement.memory_share.find(node);
    const bool vcpus = std::all_of(placement.vcpu_nodes.begin(), placement.vcpu_nodes.end(),
                                   [&](int other) { return other == node; });
    return vcpus && share != placement.memory_share.end() && share->second >= nearly_all ? node
                                                                                         : -1;
}

}  // namespace vnuma::lab
