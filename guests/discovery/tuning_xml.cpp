#include <pugixml.hpp>

#include "guests/discovery/domain_xml.hpp"
#include "guests/process/parse_proc.hpp"
#include "policy/model/number_list.hpp"

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
std::optional<NumaTune> parse_node_wish(const pugi::xml_node& node) {
    if (!node) return std::nullopt;
    return NumaTune{node.attribute("mode").as_string("strict"),
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

DomainTuning parse_tuning(const pugi::xml_node& domain) {
    const pugi::xml_node cputune = domain.child("cputune"), numatune = domain.child("numatune");
    DomainTuning tuning;
    const pugi::xml_node memory = numatune.child("memory");
    const auto is_auto = [](const pugi::xml_node& node) {
        return std::string_view(node.attribute("placement").as_string()) == "auto";
    };
    if (is_auto(domain.child("vcpu")) || is_auto(memory)) tuning.placement = "auto";
    tuning.vcpupin = parse_pins(cputune, "vcpupin", "vcpu");
    // <vcpu cpuset=...> holds for every vCPU that has no pin of its own, and for the emulator.
    const auto common = list_attribute(domain.child("vcpu"), "cpuset");
    for (int vcpu = 0; common && vcpu < domain.child("vcpu").text().as_int(); ++vcpu)
        tuning.vcpupin.try_emplace(vcpu, *common);
    tuning.emulatorpin = list_attribute(cputune.child("emulatorpin"), "cpuset");
    if (!tuning.emulatorpin) tuning.emulatorpin = common;
    tuning.iothreadpin = parse_pins(cputune, "iothreadpin", "iothread");
    tuning.numatune = parse_node_wish(memory);
    for (const pugi::xml_node& node : numatune.children("memnode"))
        if (const auto wish = parse_node_wish(node))
            tuning.cell_nodes[node.attribute("cellid").as_int()] = *wish;
    tuning.cputune = parse_cputune(cputune);
    return tuning;
}

}  // namespace vnuma
