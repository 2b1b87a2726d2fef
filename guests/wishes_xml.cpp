#include <pugixml.hpp>

#include "guests/domain_xml.hpp"
#include "guests/proc.hpp"

namespace vnuma {
namespace {

std::optional<std::vector<int>> list_attribute(const pugi::xml_node& node, const char* name) {
    const auto list = parse_number_list(node.attribute(name).as_string());
    return list && !list->empty() ? list : std::nullopt;
}

std::map<int, std::vector<int>> parse_pins(const pugi::xml_node& cputune, const char* element,
                                           const char* id) {
    std::map<int, std::vector<int>> pins;
    for (const pugi::xml_node& pin : cputune.children(element))
        if (const auto cpus = list_attribute(pin, "cpuset"))
            pins[pin.attribute(id).as_int()] = *cpus;
    return pins;
}

// libvirt writes no nodeset when numad chose it; it is in effect all the same, as a cpuset.
std::optional<NodeWish> parse_node_wish(const pugi::xml_node& node) {
    if (!node) return std::nullopt;
    return NodeWish{node.attribute("mode").as_string("strict"),
                    list_attribute(node, "nodeset").value_or(std::vector<int>{})};
}

std::optional<CpuTune> parse_cputune(const pugi::xml_node& cputune) {
    const auto number = [&](const char* element) -> std::optional<std::int64_t> {
        const pugi::xml_text text = cputune.child(element).text();
        return text.empty() ? std::nullopt : std::optional<std::int64_t>(text.as_llong());
    };
    const CpuTune tune{number("shares"), number("period"), number("quota")};
    if (!tune.shares && !tune.period_us && !tune.quota_us) return std::nullopt;
    return tune;
}

}  // namespace

Wishes parse_wishes(const pugi::xml_node& domain) {
    const pugi::xml_node cputune = domain.child("cputune"), numatune = domain.child("numatune");
    Wishes wishes;
    const pugi::xml_node memory = numatune.child("memory");
    const auto is_auto = [](const pugi::xml_node& node) {
        return std::string_view(node.attribute("placement").as_string()) == "auto";
    };
    if (is_auto(domain.child("vcpu")) || is_auto(memory)) wishes.placement = "auto";
    wishes.vcpupin = parse_pins(cputune, "vcpupin", "vcpu");
    // <vcpu cpuset=...> holds for every vCPU that has no pin of its own, and for the emulator.
    const auto common = list_attribute(domain.child("vcpu"), "cpuset");
    for (int vcpu = 0; common && vcpu < domain.child("vcpu").text().as_int(); ++vcpu)
        wishes.vcpupin.try_emplace(vcpu, *common);
    wishes.emulatorpin = list_attribute(cputune.child("emulatorpin"), "cpuset");
    if (!wishes.emulatorpin) wishes.emulatorpin = common;
    wishes.iothreadpin = parse_pins(cputune, "iothreadpin", "iothread");
    wishes.numatune = parse_node_wish(memory);
    for (const pugi::xml_node& node : numatune.children("memnode"))
        if (const auto wish = parse_node_wish(node))
            wishes.cell_nodes[node.attribute("cellid").as_int()] = *wish;
    wishes.cputune = parse_cputune(cputune);
    return wishes;
}

const NodeWish* find_wish(const Wishes& wishes, int cell) {
    const auto narrow = wishes.cell_nodes.find(cell);
    if (narrow != wishes.cell_nodes.end()) return &narrow->second;
    return wishes.numatune ? &*wishes.numatune : nullptr;
}

}  // namespace vnuma
