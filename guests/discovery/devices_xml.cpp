#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "guests/discovery/domain_xml.hpp"

namespace vnuma {
namespace {

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

// Whether another process serves the device, and maps the guest's memory for that.
bool is_vhost_user(const pugi::xml_node& device) {
    const std::string_view tag = device.name(), type = device.attribute("type").as_string();
    const pugi::xml_node driver = device.child("driver");
    if (tag == "interface" || tag == "disk") return type == "vhostuser";
    if (tag == "video")
        return std::string_view(driver.attribute("name").as_string()) == "vhostuser";
    return tag == "filesystem" &&
           std::string_view(driver.attribute("type").as_string()) == "virtiofs";
}

// Why this device keeps the guest's memory from being moved; empty if it does not.
std::string why_immovable(const pugi::xml_node& device) {
    const std::string type = device.attribute("type").as_string(), tag = device.name();
    if (tag == "hostdev" && (type == "pci" || type == "mdev"))
        return "a host device is assigned to it (VFIO pins its memory)";
    if (tag == "disk" && type == "nvme")
        return "a host NVMe disk is assigned to it (VFIO pins its memory)";
    if (tag == "disk" && type == "vhostvdpa")
        return "a host disk is assigned to it (vDPA pins its memory)";
    if (tag == "interface" && (type == "hostdev" || type == "vdpa"))
        return "a host network device is assigned to it (its memory is pinned)";
    if (is_vhost_user(device))
        return "another process maps its memory (" +
               std::string(tag == "filesystem" ? "virtiofs" : "vhost-user " + tag) + ")";
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

}  // namespace

void parse_devices(const pugi::xml_node& devices, Domain& domain) {
    for (const pugi::xml_node& device : devices.children()) {
        const std::string reason = why_immovable(device);
        if (domain.immovable.empty()) domain.immovable = reason;
        if (const auto address = reason.empty() ? std::nullopt : pci_address(device))
            domain.host_devices.push_back(*address);
        if (const std::string name = find_macvtap_lower_device(device); !name.empty())
            domain.network_devices.push_back(name);
    }
}

}  // namespace vnuma
