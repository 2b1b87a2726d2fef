#include "guests/discovery/qemu_command_line.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "guests/discovery/qemu_options.hpp"
#include "guests/discovery/qemu_topology.hpp"
#include "guests/process/vmm_names.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

constexpr std::int64_t mib = 1 << 20, default_ram = 128 * mib;
constexpr int max_cells = 1024, max_nodes = 1024;
// QEMU has 256 slots for DIMMs (ACPI_MAX_RAM_SLOTS), and virtio-mem devices need none.
constexpr std::size_t max_memory_devices = 1024;
constexpr const char* no_uuid = "00000000-0000-0000-0000-000000000000";

struct Backend {
    std::int64_t bytes = 0;
    std::optional<NumaTune> numatune;
};

struct Node {
    int id = 0;
    std::string memdev;      // empty without
    std::int64_t bytes = 0;  // of mem=
    std::map<int, int> distances;
};

using Options = std::vector<QemuOption>;

// The last value of a field in a group, which is the one that counts.
std::string last_of(const Options& options, std::string_view group, std::string_view field) {
    std::string value;
    for (const QemuOption& option : options)
        if (const std::string* found = option.group == group ? option.find(field) : nullptr)
            value = *found;
    return value;
}

// In lower case; empty for a text that is no UUID, and for one of zeros.
std::string normal_uuid(std::string_view text) {
    if (text.size() != std::string_view(no_uuid).size()) return "";
    std::string uuid;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool dash = no_uuid[i] == '-';
        if (dash ? c != '-' : std::isxdigit(c) == 0) return "";
        uuid += static_cast<char>(std::tolower(c));
    }
    return uuid == no_uuid ? "" : uuid;
}

// Proxmox gives the UUID to SMBIOS only.
std::string find_uuid(const Options& options) {
    std::string uuid = normal_uuid(last_of(options, "uuid", "uuid"));
    if (uuid.empty()) uuid = normal_uuid(last_of(options, "machine", "uuid"));
    for (const QemuOption& option : options)
        if (uuid.empty() && option.group == "smbios" && option.get("type") == "1")
            uuid = normal_uuid(option.get("uuid"));
    return uuid;
}

// libvirt's words for QEMU's memory policies.
std::optional<NumaTune> numatune_of(const QemuOption& object) {
    std::vector<int> nodes;
    bool understood = !object.is_cut;
    for (const std::string& text : object.all("host-nodes")) {
        const auto range = parse_qemu_range(text);
        if (!range || range->second >= max_nodes || nodes.size() >= max_nodes) {
            understood = false;
            continue;
        }
        for (std::uint64_t node = range->first; node <= range->second; ++node)
            nodes.push_back(static_cast<int>(node));
    }
    const std::string policy = object.get("policy");
    if ((nodes.empty() && understood) || policy.empty() || policy == "default") return std::nullopt;
    return NumaTune{policy == "bind" ? "strict" : policy, sorted_unique(std::move(nodes)),
                    understood};
}

std::map<std::string, Backend> backends_of(const Options& options,
                                           std::vector<std::string>& problems) {
    std::map<std::string, Backend> backends;
    for (const QemuOption& option : options) {
        if (option.group != "object" || !option.get("qom-type").starts_with("memory-backend-"))
            continue;
        const auto bytes = parse_qemu_size(option.get("size"));
        if (!bytes)
            add_problem(problems, "its memory backend " + in_one_line(option.get("id")) +
                                      " has no size that is understood");
        else
            backends[option.get("id")] = {*bytes, numatune_of(option)};
    }
    return backends;
}

std::int64_t ram_of(const Options& options, std::vector<std::string>& problems) {
    std::string size = last_of(options, "memory", "size");
    if (size.empty()) size = last_of(options, "machine", "memory.size");
    if (size.empty()) return default_ram;
    const auto bytes = parse_qemu_size(size, mib);
    if (!bytes) add_problem(problems, "its option -m is not understood: " + in_one_line(size));
    return bytes.value_or(0);
}

std::optional<int> cell_number(const std::string& text) {
    const auto number = parse_qemu_number(text);
    if (!number || *number >= max_cells) return std::nullopt;
    return static_cast<int>(*number);
}

std::vector<Node> nodes_of(const Options& options) {
    std::map<int, Node> nodes;
    for (const QemuOption& option : options) {
        if (option.group != "numa" || option.get("type") != "node") continue;
        const int next = static_cast<int>(nodes.size());
        const int id = cell_number(option.get("nodeid")).value_or(next);
        if (id >= max_cells) continue;
        nodes[id] = {
            id, option.get("memdev"), parse_qemu_size(option.get("mem"), mib).value_or(0), {}};
    }
    for (const QemuOption& option : options) {
        if (option.group != "numa" || option.get("type") != "dist") continue;
        const auto from = cell_number(option.get("src")), to = cell_number(option.get("dst")),
                   distance = cell_number(option.get("val"));
        if (!from || !to || !distance || !nodes.contains(*from)) continue;
        nodes[*from].distances[*to] = *distance;
        // The way back is as long unless it is given.
        if (nodes.contains(*to)) nodes[*to].distances.emplace(*from, *distance);
    }
    std::vector<Node> sorted;
    sorted.reserve(nodes.size());
    for (auto& [id, node] : nodes)
        sorted.push_back(std::move(node));
    return sorted;
}

// Cells whose memory is no block of their own cannot be placed one by one.
bool share_a_block(const std::vector<Node>& nodes) {
    const bool backed = std::any_of(nodes.begin(), nodes.end(),
                                    [](const Node& node) { return !node.memdev.empty(); });
    return nodes.size() > 1 && !backed;
}

// The one cell of a guest without vNUMA.
DomainCell single_cell(const Options& options, std::int64_t ram,
                       const std::map<std::string, Backend>& backends, DomainTuning& tuning) {
    const auto backend = backends.find(last_of(options, "machine", "memory-backend"));
    if (backend != backends.end() && backend->second.numatune)
        tuning.cell_nodes[0] = *backend->second.numatune;
    DomainCell cell;
    cell.bytes = backend == backends.end() ? ram : backend->second.bytes;
    cell.size_known = cell.bytes > 0;
    return cell;
}

void add_cells(const Options& options, const std::map<std::string, Backend>& backends,
               Domain& domain) {
    const std::int64_t ram = ram_of(options, domain.problems);
    std::vector<Node> nodes = nodes_of(options);
    if (share_a_block(nodes)) {
        add_problem(
            domain,
            "its cells have no memory blocks of their own (-numa mem=), so they are placed as one");
        nodes.clear();
    }
    if (nodes.size() == 1 && nodes[0].memdev.empty()) nodes.clear();
    std::vector<int> ids;
    for (Node& node : nodes) {
        DomainCell cell{node.id, {}, node.bytes};
        const auto backend = backends.find(node.memdev);
        cell.size_known = node.memdev.empty() || backend != backends.end();
        if (backend != backends.end()) {
            cell.bytes = backend->second.bytes;
            if (backend->second.numatune)
                domain.tuning.cell_nodes[node.id] = *backend->second.numatune;
        }
        cell.distances = std::move(node.distances);
        ids.push_back(cell.id);
        domain.cells.push_back(std::move(cell));
    }
    const QemuTopology topology = parse_qemu_topology(options, domain.problems);
    if (domain.cells.empty()) {
        domain.cells.push_back(single_cell(options, ram, backends, domain.tuning));
        for (int vcpu = 0; vcpu < topology.vcpus; ++vcpu)
            domain.cells[0].vcpus.push_back(vcpu);
        return;
    }
    const auto vcpus = cells_of_vcpus(options, topology, ids, domain.problems);
    for (DomainCell& cell : domain.cells)
        if (const auto own = vcpus.find(cell.id); own != vcpus.end()) cell.vcpus = own->second;
}

// Subtracts bytes from the room that is left to a guest's memory, so that no sum of its sizes
// exceeds max_qemu_size. False, and nothing is subtracted, if they are more.
bool take_bytes(std::int64_t bytes, std::int64_t& room) {
    if (bytes > room) return false;
    room -= bytes;
    return true;
}

constexpr const char* more_than_all = " makes its memory more than 4 PiB, which no host has; ";

void limit_cells(std::int64_t& room, Domain& domain) {
    for (DomainCell& cell : domain.cells) {
        if (take_bytes(cell.bytes, room)) continue;
        add_problem(domain,
                    "its cell " + std::to_string(cell.id) + more_than_all + "its size is ignored");
        cell.bytes = 0;
        cell.size_known = false;
    }
}

// The kind of a memory device by its driver; empty for other devices.
std::string memory_kind(const std::string& driver) {
    if (driver == "pc-dimm") return "dimm";
    if (driver == "nvdimm") return "nvdimm";
    for (const char* kind : {"virtio-mem", "virtio-pmem"})
        if (driver.starts_with(kind)) return kind;
    return "";
}

void add_memory_device(const QemuOption& device, const std::string& kind,
                       const std::map<std::string, Backend>& backends, std::int64_t& room,
                       Domain& domain) {
    const auto backend = backends.find(device.get("memdev"));
    std::string id = device.get("id");
    if (id.empty()) id = device.get("memdev");
    if (backend == backends.end()) {
        add_problem(domain, "its memory device " + in_one_line(id) +
                                " has no memory backend that is understood");
        return;
    }
    if (!take_bytes(backend->second.bytes, room)) {
        add_problem(domain,
                    "its memory device " + in_one_line(id) + more_than_all + "it is ignored");
        return;
    }
    MemoryDevice found;
    found.id = id;
    found.kind = kind;
    found.cell = cell_number(device.get("node")).value_or(0);
    found.bytes = found.plugged = backend->second.bytes;
    found.numatune = backend->second.numatune;
    // What it has plugged in now is known to the monitor only.
    if (kind == "virtio-mem")
        found.plugged =
            std::min(parse_qemu_size(device.get("requested-size")).value_or(0), found.bytes);
    // The "addr" of a virtio device is where it is on its bus.
    found.address = parse_qemu_number(device.get(kind.ends_with("dimm") ? "addr" : "memaddr"));
    domain.memory_devices.push_back(std::move(found));
}

void add_devices(const Options& options, const std::map<std::string, Backend>& backends,
                 std::int64_t& room, Domain& domain) {
    bool too_many = false;
    for (const QemuOption& option : options) {
        if (option.group != "device") continue;
        const std::string driver = option.get("driver"), host = option.get("host");
        if (const std::string kind = memory_kind(driver); !kind.empty()) {
            if (domain.memory_devices.size() < max_memory_devices)
                add_memory_device(option, kind, backends, room, domain);
            else
                too_many = true;
        }
        // The domain of a PCI address may be left out.
        if (driver == "vfio-pci" && !host.empty() && host.find('/') == std::string::npos)
            domain.host_devices.push_back(
                (std::count(host.begin(), host.end(), ':') == 1 ? "0000:" : "") + host);
    }
    if (too_many)
        add_problem(domain, "it has more than " + std::to_string(max_memory_devices) +
                                " memory devices; the others are ignored");
}

// Within max_qemu_stored_bytes.
Options all_options(std::string_view command_line, const std::vector<std::string>& configs,
                    std::vector<std::string>& problems) {
    Options options;
    std::size_t room = max_qemu_stored_bytes;
    bool is_cut = false;
    const auto append = [&](Options&& more) {
        for (QemuOption& option : more) {
            is_cut = is_cut || !take_room(option, room);
            if (!is_cut) options.push_back(std::move(option));
        }
    };
    for (const std::string& config : configs)
        append(parse_qemu_config(config, problems));
    append(parse_qemu_arguments(command_line, problems));
    if (is_cut)
        add_problem(problems,
                    "its options and configuration files have more than 4 MiB together; "
                    "the rest is ignored");
    return options;
}

}  // namespace

std::vector<std::string> find_config_files(std::string_view command_line) {
    std::vector<std::string> files, unused;
    for (const QemuOption& option : parse_qemu_arguments(command_line, unused))
        if (option.group == "readconfig") files.push_back(option.get("file"));
    return files;
}

Domain parse_qemu_command_line(std::string_view command_line,
                               const std::vector<std::string>& configs) {
    Domain domain;
    const Options options = all_options(command_line, configs, domain.problems);
    domain.uuid = find_uuid(options);
    domain.name = in_one_line(last_of(options, "name", "guest"));
    domain.machine = last_of(options, "machine", "type");
    // The layout of guest-physical memory depends on the machine's type, unless that is changed.
    if (domain.machine.empty()) domain.machine = "default";
    if (!last_of(options, "machine", "max-ram-below-4g").empty())
        domain.machine = "own layout, " + domain.machine;
    const auto backends = backends_of(options, domain.problems);
    std::int64_t room = max_qemu_size;
    add_cells(options, backends, domain);
    limit_cells(room, domain);
    add_devices(options, backends, room, domain);
    for (const char* field : {"mem-lock", "mlock"})
        if (is_on(last_of(options, "overcommit", field)))
            domain.immovable = "its memory is locked (-overcommit mem-lock=on)";
    const std::string ring = last_of(options, "accel", "dirty-ring-size");
    domain.dirty_ring = parse_qemu_number(ring).value_or(0) > 0;
    return domain;
}

}  // namespace vnuma
