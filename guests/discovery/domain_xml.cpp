#include "guests/discovery/domain_xml.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>
#include <pugixml.hpp>

#include "guests/process/parse_proc.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

constexpr int max_vcpus = 4096;
// x86's, when the XML leaves the size to the host; what the kernel says of the mapping decides.
constexpr std::int64_t default_huge_page_bytes = 2 << 20;

// libvirt's scaled integers: KiB unless a unit is given.
std::optional<std::int64_t> scaled_bytes(const pugi::xml_node& holder, const std::string& text) {
    static const std::map<std::string, std::int64_t> units{{"", 1024},
                                                           {"b", 1},
                                                           {"bytes", 1},
                                                           {"KB", 1000},
                                                           {"k", 1024},
                                                           {"KiB", 1024},
                                                           {"MB", 1000000},
                                                           {"M", 1 << 20},
                                                           {"MiB", 1 << 20},
                                                           {"GB", 1000000000},
                                                           {"G", 1 << 30},
                                                           {"GiB", 1 << 30},
                                                           {"TB", 1000000000000},
                                                           {"T", std::int64_t{1} << 40},
                                                           {"TiB", std::int64_t{1} << 40}};
    const auto unit = units.find(holder.attribute("unit").as_string());
    char* end = nullptr;
    const long long number = std::strtoll(text.c_str(), &end, 10);
    if (unit == units.end() || end == text.c_str() || number <= 0 ||
        number > INT64_MAX / unit->second)
        return std::nullopt;
    return number * unit->second;
}

std::optional<std::vector<DomainCell>> parse_cells(const pugi::xml_node& numa, std::string& error) {
    std::vector<DomainCell> cells;
    for (const pugi::xml_node& node : numa.children("cell")) {
        DomainCell cell;
        cell.id = node.attribute("id").as_int(static_cast<int>(cells.size()));
        const auto vcpus = parse_number_list(node.attribute("cpus").as_string());
        const auto bytes = scaled_bytes(node, node.attribute("memory").as_string());
        if (!vcpus || !bytes) {
            error = "cell " + std::to_string(cell.id) + " has no sensible cpus or memory";
            return std::nullopt;
        }
        cell.vcpus = *vcpus;
        cell.bytes = *bytes;
        for (const pugi::xml_node& sibling : node.child("distances").children("sibling"))
            if (const int distance = sibling.attribute("value").as_int(); distance > 0)
                cell.distances[sibling.attribute("id").as_int()] = distance;
        cells.push_back(std::move(cell));
    }
    return cells;
}

// Nothing: the address is not a whole one, and no device of this host.
std::optional<std::string> pci_address(const pugi::xml_node& holder) {
    const pugi::xml_node address = holder.child("source").child("address");
    const auto part = [&](const char* name) {
        return std::strtoul(address.attribute(name).as_string("0"), nullptr, 0);
    };
    if (!address.attribute("bus")) return std::nullopt;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%04lx:%02lx:%02lx.%lx", part("domain") & 0xffffffff,
                  part("bus") & 0xff, part("slot") & 0xff, part("function") & 0xf);
    return text.data();
}

// Why this device holds the guest's memory where it is; empty when it does not.
std::string why_held(const pugi::xml_node& device) {
    const std::string type = device.attribute("type").as_string(), tag = device.name();
    if (tag == "hostdev" && (type == "pci" || type == "mdev"))
        return "a host device is assigned to it (VFIO pins its memory)";
    if (tag == "disk" && type == "nvme")
        return "a host NVMe disk is assigned to it (VFIO pins its memory)";
    if (tag == "interface" && (type == "hostdev" || type == "vdpa"))
        return "a host network device is assigned to it (its memory is pinned)";
    if (tag == "interface" && type == "vhostuser")
        return "another process maps its memory (vhost-user)";
    if (tag == "filesystem" &&
        std::string_view(device.child("driver").attribute("type").as_string()) == "virtiofs")
        return "another process maps its memory (virtiofs)";
    return "";
}

// Empty: it is none, or what it names can be no network device.
std::string macvtap_is_on(const pugi::xml_node& device) {
    const std::string type = device.attribute("type").as_string();
    if (std::string_view(device.name()) != "interface" || type != "direct") return "";
    const std::string name = device.child("source").attribute("dev").as_string();
    return name.find('/') == std::string::npos && !name.starts_with('.') ? name : "";
}

void parse_devices(const pugi::xml_node& devices, Domain& domain) {
    for (const pugi::xml_node& device : devices.children()) {
        const std::string held = why_held(device);
        if (domain.immovable.empty()) domain.immovable = held;
        if (const auto address = held.empty() ? std::nullopt : pci_address(device))
            domain.host_devices.push_back(*address);
        if (const std::string name = macvtap_is_on(device); !name.empty())
            domain.network_devices.push_back(name);
        if (std::string_view(device.name()) != "memory") continue;
        const pugi::xml_node target = device.child("target");
        const auto bytes = scaled_bytes(target.child("size"), target.child_value("size"));
        if (!bytes) continue;
        // virtio-mem's: what it has been asked to plug, and what it has plugged.
        const auto part = [&](const char* name) {
            return scaled_bytes(target.child(name), target.child_value(name)).value_or(0);
        };
        const bool whole = !target.child("requested");
        MemoryDevice memory{device.child("alias").attribute("name").as_string(),
                            device.attribute("model").as_string(),
                            target.child("node").text().as_int(),
                            *bytes,
                            whole ? *bytes : std::max(part("requested"), part("current")),
                            std::nullopt};
        if (const pugi::xml_attribute base = device.child("address").attribute("base"))
            memory.address = std::strtoull(base.as_string(), nullptr, 0);
        domain.memory_devices.push_back(std::move(memory));
    }
}

void parse_memory(const pugi::xml_node& root, Domain& domain) {
    if (root.child("launchSecurity")) domain.immovable = "its memory is encrypted (launchSecurity)";
    const pugi::xml_node backing = root.child("memoryBacking");
    if (backing.child("locked") && domain.immovable.empty())
        domain.immovable = "its memory is locked";
    if (backing.child("hugepages")) {
        const pugi::xml_node page = backing.child("hugepages").child("page");
        const auto bytes = scaled_bytes(page, page.attribute("size").as_string());
        domain.huge_page_bytes = bytes.value_or(default_huge_page_bytes);
    }
    domain.balloon_bytes =
        scaled_bytes(root.child("currentMemory"), root.child_value("currentMemory"));
}

}  // namespace

std::optional<Domain> parse_domain(const std::string& xml, std::string& error) {
    pugi::xml_document document;
    const pugi::xml_parse_result parsed = document.load_string(xml.c_str());
    const pugi::xml_node root = document.child("domain");
    if (!parsed || !root) {
        error = parsed ? "the XML is not a domain" : parsed.description();
        return std::nullopt;
    }
    Domain domain;
    domain.uuid = root.child_value("uuid");
    domain.name = root.child_value("name");
    domain.machine = root.child("os").child("type").attribute("machine").as_string();
    domain.dirty_ring =
        root.child("features").child("kvm").child("dirty-ring").attribute("state").as_string() ==
        std::string_view("on");
    domain.emulator = root.child("devices").child_value("emulator");
    parse_memory(root, domain);
    parse_devices(root.child("devices"), domain);
    domain.tuning = parse_tuning(root);
    domain.policy = parse_policy(root, domain.policy_problems);
    if (domain.uuid.empty() || domain.name.empty()) {
        error = "the domain has no uuid or no name";
        return std::nullopt;
    }
    auto cells = parse_cells(root.child("cpu").child("numa"), error);
    if (!cells) return std::nullopt;
    domain.cells = std::move(*cells);
    if (!domain.cells.empty()) return domain;

    const auto bytes = scaled_bytes(root.child("memory"), root.child_value("memory"));
    const int vcpus = root.child("vcpu").text().as_int();
    if (!bytes || vcpus < 1 || vcpus > max_vcpus) {
        error = "the domain has no sensible memory or vcpu";
        return std::nullopt;
    }
    DomainCell all{0, std::vector<int>(static_cast<std::size_t>(vcpus)), *bytes, {}};
    std::iota(all.vcpus.begin(), all.vcpus.end(), 0);
    domain.cells.push_back(std::move(all));
    return domain;
}

}  // namespace vnuma
