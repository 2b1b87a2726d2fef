#include <cstdlib>
#include <map>
#include <optional>
#include <pugixml.hpp>
#include <set>
#include <string>
#include <string_view>

#include "guests/discovery/domain_xml.hpp"
#include "guests/discovery/xml_text.hpp"

namespace vnuma {
namespace {

// By the index of a PCI controller: the cell whose bus it is, or the bus that it is on.
struct PciBuses {
    std::map<int, int> cells, parents;

    std::optional<int> cell_of(std::optional<int> bus) const {
        // Controllers that are on each other are on no bus of a cell.
        for (std::size_t hops = 0; bus && hops <= parents.size(); ++hops) {
            if (const auto cell = cells.find(*bus); cell != cells.end()) return cell->second;
            const auto parent = parents.find(*bus);
            bus = parent == parents.end() ? std::nullopt : std::optional(parent->second);
        }
        return std::nullopt;
    }
};

// libvirt writes it in hexadecimal.
std::optional<int> bus_of(const pugi::xml_node& device) {
    const pugi::xml_node address = device.child("address");
    if (std::string_view(address.attribute("type").as_string()) != "pci") return std::nullopt;
    const std::string text = address.attribute("bus").as_string();
    char* end = nullptr;
    const long bus = std::strtol(text.c_str(), &end, 16);
    if (end == text.c_str() || *end != '\0' || bus < 0 || bus > 255) return std::nullopt;
    return static_cast<int>(bus);
}

PciBuses parse_buses(const pugi::xml_node& devices) {
    PciBuses buses;
    for (const pugi::xml_node& controller : devices.children("controller")) {
        const auto index = parse_integer(controller.attribute("index").as_string());
        if (std::string_view(controller.attribute("type").as_string()) != "pci" || !index) continue;
        const auto cell = parse_integer(controller.child("target").child_value("node"));
        if (cell)
            buses.cells[*index] = *cell;
        else if (const auto bus = bus_of(controller))
            buses.parents[*index] = *bus;
    }
    return buses;
}

std::set<int> iothreads_of(const pugi::xml_node& device) {
    const pugi::xml_node driver = device.child("driver");
    std::set<int> iothreads;
    if (const auto id = parse_integer(driver.attribute("iothread").as_string()))
        iothreads.insert(*id);
    for (const pugi::xml_node& one : driver.child("iothreads").children("iothread"))
        if (const auto id = parse_integer(one.attribute("id").as_string())) iothreads.insert(*id);
    return iothreads;
}

}  // namespace

std::map<int, int> parse_iothread_cells(const pugi::xml_node& devices) {
    const PciBuses buses = parse_buses(devices);
    std::map<int, std::set<std::optional<int>>> served;
    for (const pugi::xml_node& device : devices.children())
        for (const int iothread : iothreads_of(device))
            served[iothread].insert(buses.cell_of(bus_of(device)));
    std::map<int, int> cells;
    for (const auto& [iothread, of_devices] : served)
        if (of_devices.size() == 1 && *of_devices.begin()) cells[iothread] = **of_devices.begin();
    return cells;
}

}  // namespace vnuma
