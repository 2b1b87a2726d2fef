#include "guests/discovery/domain_xml.hpp"

#include <numeric>
#include <pugixml.hpp>
#include <string_view>

#include "guests/discovery/size_xml.hpp"
#include "guests/discovery/xml_text.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

// What an element means whose size cannot be understood.
constexpr const char* size_unknown = "; where that memory is can only be estimated";

// The value of <vcpu>, 1 without the element as in libvirt. 0 if it cannot be understood: then the
// vCPUs that run are taken as they are.
int parse_vcpus(const pugi::xml_node& root, Domain& domain) {
    if (!root.child("vcpu")) return 1;
    const char* text = root.child_value("vcpu");
    const auto vcpus = parse_integer(text);
    if (vcpus && *vcpus >= 1 && *vcpus <= max_vcpus) return *vcpus;
    add_problem(domain, "<vcpu> must be an integer from 1 to " + std::to_string(max_vcpus) +
                            ", not \"" + printable(text) + "\"");
    return 0;
}

// The vCPUs of a cell. `left` is how many the domain may still have.
std::vector<int> parse_cell_vcpus(const std::string& cpus, const std::string& element,
                                  std::size_t left, Domain& domain) {
    const auto vcpus = parse_number_list(cpus);
    if (!vcpus || (!vcpus->empty() && vcpus->back() >= max_vcpus)) {
        add_problem(domain, "attribute cpus" + element + " must be a list of vCPUs from 0 to " +
                                std::to_string(max_vcpus - 1) + ", not \"" + printable(cpus) +
                                "\"; its vCPUs are left alone");
        return {};
    }
    if (vcpus->size() > left) {
        add_problem(domain, "the cells of <numa> must have at most " + std::to_string(max_vcpus) +
                                " vCPUs together; those" + element + " are left alone");
        return {};
    }
    return *vcpus;
}

// The id of a cell: without one its place among the cells, as in libvirt.
int parse_cell_id(const pugi::xml_node& node, Domain& domain) {
    const int place = static_cast<int>(domain.cells.size());
    const pugi::xml_attribute attribute = node.attribute("id");
    if (!attribute) return place;
    const auto id = parse_integer(attribute.as_string());
    if (id && *id >= 0) return *id;
    add_problem(domain, "attribute id of <cell> must be the number of a cell, not \"" +
                            printable(attribute.as_string()) + "\"; it is taken for cell " +
                            std::to_string(place));
    return place;
}

// The distances to other cells. Those that cannot be understood are left out.
std::map<int, int> parse_distances(const pugi::xml_node& cell, const std::string& element,
                                   Domain& domain) {
    std::map<int, int> distances;
    for (const pugi::xml_node& sibling : cell.child("distances").children("sibling")) {
        const char *id_text = sibling.attribute("id").as_string(),
                   *value_text = sibling.attribute("value").as_string();
        const auto id = parse_integer(id_text), distance = parse_integer(value_text);
        if (id && distance && *distance > 0)
            distances[*id] = *distance;
        else
            add_problem(domain, "<sibling>" + element + " must have a cell and a distance, not \"" +
                                    printable(id_text) + "\" and \"" + printable(value_text) +
                                    "\"; it is ignored");
    }
    return distances;
}

// A cell may have neither vCPUs nor memory: a device can have it as its own, as GPUs do.
void parse_cell(const pugi::xml_node& node, int id, std::size_t left, Domain& domain) {
    DomainCell cell;
    cell.id = id;
    const std::string memory = node.attribute("memory").as_string();
    const std::string element = " of <cell id='" + std::to_string(cell.id) + "'>";
    cell.vcpus = parse_cell_vcpus(node.attribute("cpus").as_string(), element, left, domain);
    const auto bytes = scaled_bytes(node, memory);
    if (!bytes)
        add_problem(domain,
                    size_problem("attribute memory" + element, node, memory) + size_unknown);
    cell.bytes = bytes.value_or(0);
    cell.size_known = bytes.has_value();
    cell.distances = parse_distances(node, element, domain);
    domain.cells.push_back(std::move(cell));
}

void parse_cells(const pugi::xml_node& numa, Domain& domain) {
    std::size_t left = max_vcpus;
    for (const pugi::xml_node& node : numa.children("cell")) {
        const int id = parse_cell_id(node, domain);
        if (find_cell(domain, id)) {
            add_problem(domain, "<numa> must have one <cell id='" + std::to_string(id) +
                                    "'>; all but the first are ignored");
            continue;
        }
        parse_cell(node, id, left, domain);
        left -= domain.cells.back().vcpus.size();
    }
}

// The one cell of a guest without vNUMA.
DomainCell single_cell(int vcpus) {
    DomainCell cell{0, std::vector<int>(static_cast<std::size_t>(vcpus)), 0};
    std::iota(cell.vcpus.begin(), cell.vcpus.end(), 0);
    return cell;
}

// <memory> is all memory of a guest, so that a guest without vNUMA has the rest of it beside its
// memory devices, whatever their model. A domain always has some.
void parse_single_size(const pugi::xml_node& root, Domain& domain) {
    const pugi::xml_node memory = root.child("memory");
    const auto bytes = scaled_bytes(memory, memory.child_value());
    std::int64_t own = bytes.value_or(0);
    for (const MemoryDevice& device : domain.memory_devices)
        own -= device.bytes;
    DomainCell& cell = domain.cells.front();
    cell.size_known = own > 0;
    if (cell.size_known)
        cell.bytes = own;
    else if (!bytes)
        add_problem(domain, size_problem("<memory>", memory, memory.child_value()) + size_unknown);
    else
        add_problem(
            domain,
            std::string("<memory> must be larger than all memory devices together") + size_unknown);
}

void parse_identity(const pugi::xml_node& root, Domain& domain) {
    domain.uuid = root.child_value("uuid");
    domain.name = root.child_value("name");
    for (const char* element : {"uuid", "name"})
        if (*root.child_value(element) == '\0')
            add_problem(domain, std::string("<domain> must have a <") + element + ">");
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
    parse_identity(root, domain);
    const int vcpus = parse_vcpus(root, domain);
    parse_cells(root.child("cpu").child("numa"), domain);
    const bool single = domain.cells.empty();
    if (single) domain.cells.push_back(single_cell(vcpus));
    domain.machine = root.child("os").child("type").attribute("machine").as_string();
    domain.dirty_ring =
        root.child("features").child("kvm").child("dirty-ring").attribute("state").as_string() ==
        std::string_view("on");
    domain.emulator = root.child("devices").child_value("emulator");
    parse_memory(root, domain);
    parse_memory_devices(root, domain);
    if (single) parse_single_size(root, domain);
    parse_devices(root.child("devices"), domain);
    domain.iothread_cells = parse_iothread_cells(root.child("devices"));
    parse_tuning(root, vcpus, domain);
    domain.policy = parse_policy(root, domain.policy_problems);
    return domain;
}

}  // namespace vnuma
