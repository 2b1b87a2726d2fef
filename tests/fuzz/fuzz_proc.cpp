// Fuzzes the parsers of files of /proc and sysfs. What they accept must have the properties that
// the headers promise.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "guests/memory/page_frame_table.hpp"
#include "guests/memory/ram_map.hpp"
#include "guests/memory/summed_residency.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/thread_roles.hpp"
#include "guests/process/vmm_names.hpp"
#include "policy/model/number_list.hpp"

using namespace vnuma;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void read_lists(std::string_view text) {
    if (const auto nodes = parse_node_list(text)) require(nodes->back() <= max_node_number);
    if (const auto nodes = parse_node_sequence(text)) {
        require(!nodes->empty() && nodes->size() <= max_node_sequence);
        require(parse_node_sequence(format_number_list(*nodes)) == nodes);
    }
    const auto list = parse_number_list(text);
    if (!list) return;
    for (std::size_t i = 0; i < list->size(); ++i)
        require((*list)[i] >= 0 && (*list)[i] <= max_list_number &&
                (i == 0 || (*list)[i - 1] < (*list)[i]));
    require(parse_number_list(format_number_list(*list)) == list);
}

void read_tasks(std::string_view text) {
    parse_stat(text);
    parse_children(text, 100);
    parse_vhost_name(text);
    parse_schedstat(text);
    find_status_field(text, "Cpus_allowed_list");
    parse_effective_user(text);
    has_pending_connection(text, "a.sock");
    for (const UnixSocket& socket : parse_unix_sockets(text, "a.sock", {1, 2, 3}))
        require(socket.path.ends_with("a.sock"));
    if (const auto cgroup = parse_cgroup(text)) require(cgroup->path.starts_with('/'));
    if (role_by_name(text) == ThreadRole::vcpu) require(parse_vcpu_thread_name(text).has_value());
}

void read_memory(std::string_view text) {
    const auto maps = parse_maps(text);
    for (const Mapping& mapping : maps)
        require(mapping.start < mapping.end);
    std::vector<RamRange> ranges;
    Domain domain;
    for (std::size_t i = 0; i < maps.size() && i < 4; ++i) {
        ranges.push_back({maps[i].start, maps[i].end - maps[i].start});
        domain.cells.push_back(
            {static_cast<int>(i), {}, static_cast<std::int64_t>(ranges.back().size & INT64_MAX)});
    }
    const RamMap map = map_by_size(domain, maps);
    require(map.unknown.empty() || map.blocks.empty());
    sum_residency(ranges, parse_numa_maps(text));
    std::string why;
    if (const auto table = parse_zoneinfo(text, why))
        for (const PageFrameRange& range : table->ranges())
            require(table->node_of(range.start) == range.node);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read_lists(text);
    read_tasks(text);
    read_memory(text);
    return 0;
}
