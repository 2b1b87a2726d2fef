#include "guests/discovery/domain_xml.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>
#include <pugixml.hpp>
#include <string_view>

#include "guests/discovery/xml_text.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

// x86's default size of huge pages, for XML that does not name one. The size that the kernel
// reports for the mapping replaces it.
constexpr std::int64_t default_huge_page_bytes = 2 << 20;

// One of libvirt's scaled integers, in bytes. `text` is the number and `element` has the unit,
// which is KiB unless its attribute says otherwise.
std::optional<std::int64_t> scaled_bytes(const pugi::xml_node& element, const std::string& text) {
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
    const auto unit = units.find(element.attribute("unit").as_string());
    char* end = nullptr;
    const long long number = std::strtoll(text.c_str(), &end, 10);
    if (unit == units.end() || end == text.c_str() || number <= 0 ||
        number > INT64_MAX / unit->second)
        return std::nullopt;
    return number * unit->second;
}

std::string size_error(const std::string& what, const pugi::xml_node& element,
                       const std::string& text) {
    return what + " must be a size greater than 0 in a unit that libvirt knows, not \"" +
           printable(text) + "\" in \"" + printable(element.attribute("unit").as_string("KiB")) +
           "\"";
}

// The value of <vcpu>.
std::optional<int> parse_vcpus(const pugi::xml_node& domain, std::string& error) {
    const char* text = domain.child_value("vcpu");
    const auto vcpus = parse_integer(text);
    if (vcpus && *vcpus >= 1 && *vcpus <= max_vcpus) return vcpus;
    error = "<vcpu> must be an integer from 1 to " + std::to_string(max_vcpus) + ", not \"" +
            printable(text) + "\"";
    return std::nullopt;
}

std::optional<DomainCell> parse_cell(const pugi::xml_node& node, int default_id,
                                     std::string& error) {
    DomainCell cell;
    cell.id = node.attribute("id").as_int(default_id);
    const std::string cpus = node.attribute("cpus").as_string();
    const std::string memory = node.attribute("memory").as_string();
    const std::string element = " of <cell id='" + std::to_string(cell.id) + "'>";
    const auto vcpus = parse_number_list(cpus);
    if (!vcpus || (!vcpus->empty() && vcpus->back() >= max_vcpus)) {
        error = "attribute cpus" + element + " must be a list of vCPUs from 0 to " +
                std::to_string(max_vcpus - 1) + ", not \"" + printable(cpus) + "\"";
        return std::nullopt;
    }
    const auto bytes = scaled_bytes(node, memory);
    if (!bytes) {
        error = size_error("attribute memory" + element, node, memory);
        return std::nullopt;
    }
    cell.vcpus = *vcpus;
    cell.bytes = *bytes;
    for (const pugi::xml_node& sibling : node.child("distances").children("sibling"))
        if (const int distance = sibling.attribute("value").as_int(); distance > 0)
            cell.distances[sibling.attribute("id").as_int()] = distance;
    return cell;
}

std::optional<std::vector<DomainCell>> parse_cells(const pugi::xml_node& numa, std::string& error) {
    std::vector<DomainCell> cells;
    std::size_t vcpus = 0;
    for (const pugi::xml_node& node : numa.children("cell")) {
        auto cell = parse_cell(node, static_cast<int>(cells.size()), error);
        if (!cell) return std::nullopt;
        vcpus += cell->vcpus.size();
        if (vcpus > max_vcpus) {
            error = "the cells of <numa> must have at most " + std::to_string(max_vcpus) +
                    " vCPUs together";
            return std::nullopt;
        }
        cells.push_back(std::move(*cell));
    }
    return cells;
}

// The one cell of a guest without vNUMA.
std::optional<DomainCell> parse_single_cell(const pugi::xml_node& domain, int vcpus,
                                            std::string& error) {
    const pugi::xml_node memory = domain.child("memory");
    const auto bytes = scaled_bytes(memory, memory.child_value());
    if (!bytes) {
        error = size_error("<memory>", memory, memory.child_value());
        return std::nullopt;
    }
    DomainCell cell{0, std::vector<int>(static_cast<std::size_t>(vcpus)), *bytes, {}};
    std::iota(cell.vcpus.begin(), cell.vcpus.end(), 0);
    return cell;
}

// Returns an address such as "0000:01:00.0", or nothing if <source> has none.
std::optional<std::string> pci_address(const pugi::xml_node& device) {
    const pugi::xml_node address = device.child("source").child("address");
    const auto part = [&](const char* name) {
        return std::strtoul(address.attribute(name).as_string("0"), nullptr, 0);
    };
    if (!address.attribute("bus")) return std::nullopt;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%04lx:%02lx:%02lx.%lx", part("domain") & 0xffffffff,
                  part("bus") & 0xff, part("slot") & 0xff, part("function") & 0xf);
    return text.data();
}

// Why this device keeps the guest's memory from being moved; empty if it does not.
std::string why_immovable(const pugi::xml_node& device) {
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

// Returns the host's network device below a macvtap interface. Returns an empty string for other
// devices, and for a name that no network device can have.
std::string find_macvtap_lower_device(const pugi::xml_node& device) {
    const std::string type = device.attribute("type").as_string();
    if (std::string_view(device.name()) != "interface" || type != "direct") return "";
    const std::string name = device.child("source").attribute("dev").as_string();
    return name.find('/') == std::string::npos && !name.starts_with('.') ? name : "";
}

// Returns nothing for a device without a size.
std::optional<MemoryDevice> parse_memory_device(const pugi::xml_node& device) {
    const pugi::xml_node target = device.child("target");
    const auto bytes_of = [&](const char* element) {
        return scaled_bytes(target.child(element), target.child_value(element));
    };
    const auto size = bytes_of("size");
    if (!size) return std::nullopt;
    MemoryDevice memory;
    memory.id = device.child("alias").attribute("name").as_string();
    memory.kind = device.attribute("model").as_string();
    memory.cell = target.child("node").text().as_int();
    memory.bytes = *size;
    // virtio-mem has the elements <requested> (memory to be plugged) and <current> (plugged).
    memory.plugged = target.child("requested") ? std::max(bytes_of("requested").value_or(0),
                                                          bytes_of("current").value_or(0))
                                               : *size;
    if (const pugi::xml_attribute base = device.child("address").attribute("base"))
        memory.address = std::strtoull(base.as_string(), nullptr, 0);
    return memory;
}

void parse_devices(const pugi::xml_node& devices, Domain& domain) {
    for (const pugi::xml_node& device : devices.children()) {
        const std::string reason = why_immovable(device);
        if (domain.immovable.empty()) domain.immovable = reason;
        if (const auto address = reason.empty() ? std::nullopt : pci_address(device))
            domain.host_devices.push_back(*address);
        if (const std::string name = find_macvtap_lower_device(device); !name.empty())
            domain.network_devices.push_back(name);
        if (std::string_view(device.name()) != "memory") continue;
        if (auto memory = parse_memory_device(device))
            domain.memory_devices.push_back(std::move(*memory));
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
        error = parsed ? "the root element must be <domain>"
                       : std::string("the XML is not well-formed: ") + parsed.description();
        return std::nullopt;
    }
    Domain domain;
    domain.uuid = root.child_value("uuid");
    domain.name = root.child_value("name");
    if (domain.uuid.empty() || domain.name.empty()) {
        error = "<domain> must have a <name> and a <uuid>";
        return std::nullopt;
    }
    const pugi::xml_node numa = root.child("cpu").child("numa");
    int vcpus = 0;
    if (root.child("vcpu") || !numa.child("cell")) {
        const auto count = parse_vcpus(root, error);
        if (!count) return std::nullopt;
        vcpus = *count;
    }
    auto cells = parse_cells(numa, error);
    if (!cells) return std::nullopt;
    domain.cells = std::move(*cells);
    if (domain.cells.empty()) {
        auto cell = parse_single_cell(root, vcpus, error);
        if (!cell) return std::nullopt;
        domain.cells.push_back(std::move(*cell));
    }
    domain.machine = root.child("os").child("type").attribute("machine").as_string();
    domain.dirty_ring =
        root.child("features").child("kvm").child("dirty-ring").attribute("state").as_string() ==
        std::string_view("on");
    domain.emulator = root.child("devices").child_value("emulator");
    parse_memory(root, domain);
    parse_devices(root.child("devices"), domain);
    domain.iothread_cells = parse_iothread_cells(root.child("devices"));
    domain.tuning = parse_tuning(root, vcpus);
    domain.policy = parse_policy(root, domain.policy_problems);
    return domain;
}

}  // namespace vnuma
