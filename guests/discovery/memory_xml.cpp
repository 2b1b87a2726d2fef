#include <algorithm>
#include <cstdlib>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "guests/discovery/domain_xml.hpp"
#include "guests/discovery/size_xml.hpp"
#include "guests/discovery/xml_text.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

// x86's default size of huge pages, for XML that does not name one. The size that the kernel
// reports for the mapping replaces it.
constexpr std::int64_t default_huge_page_bytes = 2 << 20;
// QEMU has 256 slots for DIMMs (ACPI_MAX_RAM_SLOTS), and virtio-mem devices need none.
constexpr std::size_t max_memory_devices = 1024;
// libvirt takes "huge" pages of this size for no huge pages at all.
constexpr std::int64_t ordinary_page_bytes = 4096;
// The number of no cell.
constexpr int no_cell = -1;

std::int64_t huge_page_bytes(std::int64_t page_bytes) {
    return page_bytes > ordinary_page_bytes ? page_bytes : 0;
}

// The size in the attribute of a <page>. Without an understandable one the default is taken.
std::int64_t parse_page_size(const pugi::xml_node& page, Domain& domain) {
    const std::string text = page.attribute("size").as_string();
    const auto bytes = scaled_bytes(page, text);
    if (!bytes)
        add_problem(domain, size_problem("attribute size of <page>", page, text) +
                                "; pages of 2 MiB are assumed");
    return bytes.value_or(default_huge_page_bytes);
}

// The page size of a cell's memory: that of the <page> whose nodeset has the cell, or else of one
// without a nodeset. Only the first <page> of either kind counts.
void parse_huge_pages(const pugi::xml_node& huge_pages, Domain& domain) {
    if (!huge_pages) return;
    std::optional<std::int64_t> for_all;
    if (!huge_pages.child("page")) for_all = default_huge_page_bytes;
    std::vector<bool> has_own(domain.cells.size());
    for (const pugi::xml_node& page : huge_pages.children("page")) {
        const std::int64_t bytes = huge_page_bytes(parse_page_size(page, domain));
        const pugi::xml_attribute nodeset = page.attribute("nodeset");
        if (!nodeset) {
            for_all = for_all.value_or(bytes);
            continue;
        }
        const auto cells = parse_number_list(nodeset.as_string());
        if (!cells)
            add_problem(domain, "attribute nodeset of <page> must be a list of cells, not \"" +
                                    printable(nodeset.as_string()) + "\"; the page is ignored");
        for (std::size_t i = 0; cells && i < domain.cells.size(); ++i) {
            if (has_own[i] || !std::binary_search(cells->begin(), cells->end(), domain.cells[i].id))
                continue;
            has_own[i] = true;
            domain.cells[i].huge_page_bytes = bytes;
        }
    }
    for (std::size_t i = 0; i < domain.cells.size(); ++i)
        if (!has_own[i]) domain.cells[i].huge_page_bytes = for_all.value_or(0);
}

// <source>: the owner's nodes for the block, and the size of its pages.
void parse_source(const pugi::xml_node& source, MemoryDevice& memory, Domain& domain) {
    const std::string device = "memory device " + printable(memory.id);
    const pugi::xml_node page_size = source.child("pagesize");
    const auto page_bytes = child_bytes(source, "pagesize");
    if (page_bytes)
        memory.huge_page_bytes = huge_page_bytes(*page_bytes);
    else if (page_size)
        add_problem(domain,
                    size_problem("<pagesize> of " + device, page_size, page_size.child_value()) +
                        "; its pages are taken for those of its cell");
    memory.path = source.child_value("path");
    const pugi::xml_node nodemask = source.child("nodemask");
    if (!nodemask) return;
    const auto nodes = parse_node_list(nodemask.child_value());
    memory.numatune = NumaTune{"strict", nodes.value_or(std::vector<int>{}), nodes.has_value()};
    if (!nodes)
        add_problem(domain, "<nodemask> of " + device + " must be a list of nodes, not \"" +
                                printable(nodemask.child_value()) +
                                "\"; the memory of its cell stays where it is");
}

// The cell that a device belongs to. Cell 0 without the element, as in a guest without vNUMA, and
// none if the element cannot be understood.
int parse_device_cell(const pugi::xml_node& target, const MemoryDevice& memory, Domain& domain) {
    const pugi::xml_node node = target.child("node");
    if (!node) return 0;
    const auto cell = parse_integer(node.child_value());
    if (!cell || *cell < 0)
        add_problem(domain, "<node> of memory device " + printable(memory.id) +
                                " must be the number of a cell, not \"" +
                                printable(node.child_value()) + "\"; the device is ignored");
    return cell && *cell >= 0 ? *cell : no_cell;
}

// What about the device costs only the device.
void check_memory_device(const MemoryDevice& memory, Domain& domain) {
    const std::string device = "memory device " + printable(memory.id);
    if (!memory.is_dram() && !memory.is_no_dram())
        add_problem(domain, device + " is of an unknown model, \"" + printable(memory.kind) +
                                "\"; its memory is neither counted nor moved");
    if (memory.is_dram() && memory.cell != no_cell && !find_cell(domain, memory.cell))
        add_problem(domain, device + " belongs to cell " + std::to_string(memory.cell) +
                                ", which the domain does not have; it is ignored");
}

void parse_memory_device(const pugi::xml_node& device, Domain& domain) {
    MemoryDevice memory;
    memory.id = device.child("alias").attribute("name").as_string();
    memory.kind = device.attribute("model").as_string();
    const pugi::xml_node target = device.child("target");
    const auto size = child_bytes(target, "size");
    if (!size) {
        add_problem(domain, size_problem("<size> of memory device " + printable(memory.id),
                                         target.child("size"), target.child_value("size")) +
                                "; it is ignored");
        return;
    }
    memory.cell = parse_device_cell(target, memory, domain);
    memory.bytes = *size;
    // virtio-mem has the elements <requested> (memory to be plugged) and <current> (plugged).
    memory.plugged = target.child("requested")
                         ? std::max(child_bytes(target, "requested").value_or(0),
                                    child_bytes(target, "current").value_or(0))
                         : *size;
    if (const pugi::xml_attribute base = device.child("address").attribute("base"))
        memory.address = std::strtoull(base.as_string(), nullptr, 0);
    if (const DomainCell* cell = find_cell(domain, memory.cell))
        memory.huge_page_bytes = cell->huge_page_bytes;
    parse_source(device.child("source"), memory, domain);
    check_memory_device(memory, domain);
    domain.memory_devices.push_back(std::move(memory));
}

}  // namespace

void parse_memory(const pugi::xml_node& root, Domain& domain) {
    if (root.child("launchSecurity")) domain.immovable = "its memory is encrypted (launchSecurity)";
    const pugi::xml_node backing = root.child("memoryBacking");
    if (backing.child("locked") && domain.immovable.empty())
        domain.immovable = "its memory is locked";
    parse_huge_pages(backing.child("hugepages"), domain);
    if (root.child("currentMemory")) domain.balloon_bytes = child_bytes(root, "currentMemory");
}

void parse_memory_devices(const pugi::xml_node& root, Domain& domain) {
    for (const pugi::xml_node& device : root.child("devices").children("memory")) {
        if (domain.memory_devices.size() >= max_memory_devices) {
            add_problem(domain, "more than " + std::to_string(max_memory_devices) +
                                    " memory devices; the others are ignored");
            return;
        }
        parse_memory_device(device, domain);
    }
}

}  // namespace vnuma
