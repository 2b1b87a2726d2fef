#include <pugixml.hpp>

#include "guests/discovery/domain_xml.hpp"
#include "guests/discovery/xml_text.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

// Nothing for an empty list.
std::optional<std::vector<int>> list_attribute(const pugi::xml_node& node, const char* name) {
    const auto list = parse_number_list(node.attribute(name).as_string());
    return list && !list->empty() ? list : std::nullopt;
}

// The cpusets of the elements, by the integer in the attribute `id`.
std::map<int, std::vector<int>> parse_pins(const pugi::xml_node& cputune, const char* element,
                                           const char* id) {
    std::map<int, std::vector<int>> pins;
    for (const pugi::xml_node& pin : cputune.children(element)) {
        const auto number = parse_integer(pin.attribute(id).as_string());
        const auto cpus = list_attribute(pin, "cpuset");
        if (number && cpus) pins[*number] = *cpus;
    }
    return pins;
}

// For <memory> and <memnode>. libvirt does not write the nodeset that numad has chosen, but puts it
// into the cpuset.
std::optional<NumaTune> parse_numatune(const pugi::xml_node& node) {
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

DomainTuning parse_tuning(const pugi::xml_node& domain, int vcpus) {
    const pugi::xml_node cputune = domain.child("cputune"), numatune = domain.child("numatune");
    DomainTuning tuning;
    const pugi::xml_node memory = numatune.child("memory");
    const auto is_auto = [](const pugi::xml_node& node) {
        return std::string_view(node.attribute("placement").as_string()) == "auto";
    };
    if (is_auto(domain.child("vcpu")) || is_auto(memory)) tuning.placement = "auto";
    tuning.vcpupin = parse_pins(cputune, "vcpupin", "vcpu");
    std::erase_if(tuning.vcpupin,
                  [](const auto& pin) { return pin.first < 0 || pin.first >= max_vcpus; });
    // <vcpu cpuset=...> applies to each vCPU without a <vcpupin>, and to the emulator without an
    // <emulatorpin>.
    const auto common = list_attribute(domain.child("vcpu"), "cpuset");
    for (int vcpu = 0; common && vcpu < vcpus; ++vcpu)
        tuning.vcpupin.try_emplace(vcpu, *common);
    tuning.emulatorpin = list_attribute(cputune.child("emulatorpin"), "cpuset");
    if (!tuning.emulatorpin) tuning.emulatorpin = common;
    tuning.iothreadpin = parse_pins(cputune, "iothreadpin", "iothread");
    tuning.numatune = parse_numatune(memory);
    for (const pugi::xml_node& node : numatune.children("memnode"))
        if (const auto cell = parse_integer(node.attribute("cellid").as_string()))
            tuning.cell_nodes[*cell] = *parse_numatune(node);
    tuning.cputune = parse_cputune(cputune);
    return tuning;
}

}  // namespace vnuma
