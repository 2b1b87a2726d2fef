#include "guests/domain_xml.hpp"

#include <map>
#include <numeric>
#include <pugixml.hpp>

#include "guests/proc.hpp"

namespace vnuma {
namespace {

constexpr int max_vcpus = 4096;

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
        cells.push_back(std::move(cell));
    }
    return cells;
}

std::string why_immovable(const pugi::xml_node& domain) {
    if (domain.child("launchSecurity")) return "its memory is encrypted (launchSecurity)";
    if (domain.child("memoryBacking").child("locked")) return "its memory is locked";
    for (const pugi::xml_node& device : domain.child("devices").children()) {
        const std::string type = device.attribute("type").as_string();
        const std::string tag = device.name();
        if (tag == "hostdev" && (type == "pci" || type == "mdev"))
            return "a host device is assigned to it (VFIO pins its memory)";
        if (tag == "disk" && type == "nvme")
            return "a host NVMe disk is assigned to it (VFIO pins its memory)";
        if (tag == "interface" && (type == "hostdev" || type == "vdpa"))
            return "a host network device is assigned to it (its memory is pinned)";
    }
    return "";
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
    domain.immovable = why_immovable(root);
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
    DomainCell all{0, std::vector<int>(static_cast<std::size_t>(vcpus)), *bytes};
    std::iota(all.vcpus.begin(), all.vcpus.end(), 0);
    domain.cells.push_back(std::move(all));
    return domain;
}

}  // namespace vnuma
