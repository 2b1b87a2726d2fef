#include "src/metrics/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

namespace vnuma {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr double cpu(MilliCpu use) {
    return static_cast<double>(use) / 1000;
}

constexpr double ratio(PerMille share) {
    return static_cast<double>(share) / 1000;
}

constexpr double seconds(std::int64_t milliseconds) {
    return static_cast<double>(milliseconds) / 1000;
}

Labels with(Labels labels, std::string name, std::string value) {
    labels.push_back({std::move(name), std::move(value)});
    return labels;
}

class Family {
  public:
    Family(const char* name, const char* help, MetricType type) {
        family_.name = name;
        family_.help = help;
        family_.type = type;
    }
    void add(Labels labels, double value) {
        ClientMetric& metric = family_.metric.emplace_back();
        metric.label = std::move(labels);
        (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    }
    MetricFamily take() { return std::move(family_); }

  private:
    MetricFamily family_;
};

Family gauge(const char* name, const char* help) {
    return {name, help, MetricType::Gauge};
}

Family counter(const char* name, const char* help) {
    return {name, help, MetricType::Counter};
}

// Moves the families to the end of a list.
template <typename... Families>
void append(std::vector<MetricFamily>& all, Families&... families) {
    (all.push_back(families.take()), ...);
}

void add_daemon(const Tick& tick, const control::Status& status, const Totals& totals,
                std::chrono::microseconds own_cpu_time, std::vector<MetricFamily>& all) {
    Family info = gauge("vnumad_info", "Version and mode of vnumad; always 1.");
    info.add({{"version", status.version}, {"mode", name(status.mode)}}, 1);
    Family frozen = gauge("vnumad_frozen", "1 while an administrator has frozen vnumad.");
    frozen.add({}, tick.frozen.empty() ? 0 : 1);
    Family blind = gauge("vnumad_blind", "1 while guests or host cannot be seen.");
    blind.add({}, tick.blind.empty() ? 0 : 1);
    Family troubles = gauge("vnumad_troubles", "Number of things that are wrong at present.");
    troubles.add({}, static_cast<double>(status.trouble.size()));
    Family ticks = counter("vnumad_ticks_total", "Ticks since vnumad has started.");
    ticks.add({}, static_cast<double>(totals.ticks()));
    Family blind_ticks =
        counter("vnumad_blind_ticks_total", "Ticks in which nothing could be seen.");
    blind_ticks.add({}, static_cast<double>(totals.blind_ticks()));
    Family time = gauge("vnumad_last_tick_timestamp_seconds", "When the last tick began.");
    time.add({}, seconds(status.time_ms));
    Family look =
        gauge("vnumad_look_duration_seconds", "How long the last look at host and guests took.");
    look.add({}, seconds(tick.look_time.count()));
    Family used = counter("vnumad_cpu_seconds_total", "CPU time that vnumad has used.");
    used.add({}, static_cast<double>(own_cpu_time.count()) / 1'000'000);
    append(all, info, frozen, blind, troubles, ticks, blind_ticks, time, look, used);
}

void add_host(const control::Status& status, std::vector<MetricFamily>& all) {
    Family guests = gauge("vnumad_guests", "Number of guests, by what is being done with them.");
    const std::pair<const char*, int> counts[]{{"at-home", status.guests.at_home},
                                               {"moving", status.guests.moving},
                                               {"waiting", status.guests.waiting},
                                               {"roaming", status.guests.roaming},
                                               {"left-alone", status.guests.left_alone}};
    for (const auto& [doing, count] : counts)
        guests.add({{"doing", doing}}, count);
    Family rivals = gauge("vnumad_rival", "1 for each other balancer on this host.");
    for (const control::RivalStatus& rival : status.rivals)
        rivals.add({{"name", rival.name}, {"handling", rival.handling}}, 1);
    Family capacity = gauge("vnumad_node_capacity_cpus",
                            "CPU capacity of a node; a hardware thread is a fifth of a core.");
    Family guest_use = gauge("vnumad_node_guest_use_cpus", "CPUs that guests use of a node.");
    Family other_use =
        gauge("vnumad_node_other_use_cpus", "CPUs that others than guests use of a node.");
    Family memory =
        gauge("vnumad_node_memory_bytes", "Memory of a node without its pools of huge pages.");
    Family available = gauge("vnumad_node_available_bytes",
                             "Memory of a node that is free or can be freed without swapping.");
    Family guest_memory =
        gauge("vnumad_node_guest_memory_bytes", "Memory of guests that is on a node.");
    Family hot_remote = gauge(
        "vnumad_node_hot_remote_bytes",
        "Memory of guests on a node, weighted by heat, whose vCPUs have another node as home.");
    Family huge = gauge("vnumad_node_huge_available_bytes",
                        "Free huge pages of a node, by the size of a page in bytes.");
    for (const control::NodeStatus& node : status.nodes) {
        const Labels labels{{"node", std::to_string(node.node)}};
        capacity.add(labels, cpu(node.capacity));
        guest_use.add(labels, cpu(node.guest_use));
        other_use.add(labels, cpu(node.other_use));
        memory.add(labels, static_cast<double>(node.memory));
        available.add(labels, static_cast<double>(node.available));
        guest_memory.add(labels, static_cast<double>(node.guest_memory));
        hot_remote.add(labels, static_cast<double>(node.hot_remote));
        for (const control::HugePool& pool : node.huge)
            huge.add(with(labels, "page", std::to_string(pool.page)),
                     static_cast<double>(pool.available));
    }
    append(all, guests, rivals, capacity, guest_use, other_use, memory, available, guest_memory,
           hot_remote, huge);
}

// A name as a label: Prometheus refuses everything if one label is not UTF-8.
std::string as_label(const std::string& text) {
    using nlohmann::json;
    return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace));
}

Labels labels_of(const std::string& name, const std::string& uuid) {
    return {{"domain", as_label(name)}, {"uuid", as_label(uuid)}};
}

void add_guests(const std::vector<control::GuestSummary>& guests, const Totals& totals,
                std::vector<MetricFamily>& all) {
    Family info = gauge("vnumad_domain_info", "What is being done with a guest; always 1.");
    Family use = gauge("vnumad_domain_use_cpus", "CPUs that a guest uses or waits for.");
    Family locality =
        gauge("vnumad_domain_locality_ratio", "Share of a guest's accesses that are local.");
    Family to_move =
        gauge("vnumad_domain_to_move_bytes", "Memory of a guest that is to come home.");
    Family moved =
        counter("vnumad_domain_moved_bytes_total", "Memory of a guest that was brought home.");
    Family changes = counter("vnumad_domain_home_changes_total",
                             "How often homes of a guest have changed; the first one counts.");
    Family failures =
        counter("vnumad_domain_failures_total", "Actions for a guest that have failed.");
    Family home = gauge("vnumad_cell_home_node", "Home of a cell or of a shard of it.");
    Family cell_locality =
        gauge("vnumad_cell_locality_ratio", "Share of a cell's accesses that are local.");
    Family memory = gauge("vnumad_cell_memory_bytes", "Memory of a cell that is on a node.");
    std::size_t count = 0;
    for (const control::GuestSummary& guest : guests) {
        const Labels labels = labels_of(guest.name, guest.uuid);
        Labels words = labels;
        words.push_back({"doing", name(guest.doing)});
        words.push_back({"mode", name(guest.mode)});
        words.push_back({"state", guest.state});
        words.push_back({"source", guest.source});
        info.add(std::move(words), 1);
        use.add(labels, cpu(guest.cpu_use));
        locality.add(labels, ratio(guest.locality));
        to_move.add(labels, static_cast<double>(guest.to_move));
        const GuestTotals total = totals.of(guest.uuid);
        moved.add(labels, static_cast<double>(total.moved));
        changes.add(labels, static_cast<double>(total.home_changes));
        failures.add(labels, static_cast<double>(total.failures));
        for (const control::CellSummary& cell : guest.cells) {
            if (++count > max_cell_series) break;
            Labels of_cell = with(labels, "cell", std::to_string(cell.cell));
            if (cell.shard) of_cell = with(of_cell, "shard", std::to_string(*cell.shard));
            if (cell.home) home.add(of_cell, *cell.home);
            if (cell.shard) continue;  // the rest is that of its cell
            cell_locality.add(of_cell, ratio(cell.locality));
            for (const control::NodeBytes& part : cell.memory)
                memory.add(with(of_cell, "node", std::to_string(part.node)),
                           static_cast<double>(part.bytes));
        }
    }
    append(all, info, use, locality, to_move, moved, changes, failures, home, cell_locality,
           memory);
}

void add_vcpus(const Tick& tick, std::vector<MetricFamily>& all) {
    Family node = gauge("vnumad_vcpu_node", "Node of the CPU that a vCPU ran on last.");
    std::size_t count = 0;
    if (tick.look)
        for (const GuestSample& guest : tick.sample().guests)
            for (const CellSample& cell : guest.cells)
                for (const VcpuSample& vcpu : cell.vcpus) {
                    const auto on = tick.host.node_of_cpu(vcpu.last_cpu);
                    if (!on || ++count > max_vcpu_series) continue;
                    node.add(
                        with(labels_of(guest.name, guest.uuid), "vcpu", std::to_string(vcpu.id)),
                        tick.host.topology.nodes[*on].id);
                }
    append(all, node);
}

}  // namespace

std::vector<MetricFamily> make_metrics(const Tick& tick, const control::Status& status,
                                       const std::vector<control::GuestSummary>& guests,
                                       const Totals& totals,
                                       std::chrono::microseconds own_cpu_time) {
    std::vector<MetricFamily> all;
    add_daemon(tick, status, totals, own_cpu_time, all);
    add_host(status, all);
    add_guests(guests, totals, all);
    add_vcpus(tick, all);
    return all;
}

std::string to_text(std::vector<MetricFamily> families) {
    std::erase_if(families, [](const MetricFamily& family) { return family.metric.empty(); });
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, families);
    return std::move(text).str();
}

}  // namespace vnuma
