#include <algorithm>
#include <array>
#include <limits>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "guests/discovery/domain_xml.hpp"
#include "guests/discovery/xml_text.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

// The element for the pin of one thread, and the attribute with the number of the thread.
struct PinElement {
    const char* name;
    const char* id;
    int last;  // the largest number
};
constexpr PinElement vcpupin{"vcpupin", "vcpu", max_vcpus - 1};
constexpr PinElement iothreadpin{"iothreadpin", "iothread", std::numeric_limits<int>::max()};

std::string not_text(std::string_view text) {
    return ", not \"" + printable(text) + "\"";
}

// The CPUs in the attribute cpuset; nothing if it cannot be understood. The threads stay within
// them all the same: libvirt has put them into affinities and cpusets, and vnumad takes from there
// what the owner allows (KnownPins::owners_choice).
std::optional<std::vector<int>> parse_cpuset(const pugi::xml_node& node, const std::string& element,
                                             Domain& domain) {
    const char* text = node.attribute("cpuset").as_string();
    auto cpus = parse_number_list(text);
    if (cpus && !cpus->empty()) return cpus;
    add_problem(domain, "attribute cpuset of " + element + " must be a list of CPUs" +
                            not_text(text) + "; what it allows is taken from the affinities");
    return std::nullopt;
}

// Puts the cpusets of the elements into `pins`, by the numbers of the threads.
void parse_pins(const pugi::xml_node& cputune, const PinElement& element,
                std::map<int, std::vector<int>>& pins, Domain& domain) {
    const std::string name = element.name, id = element.id;
    const auto wrong = [&](const char* text) {
        return "attribute " + id + " of <" + name + "> must be an integer from 0 to " +
               std::to_string(element.last) + not_text(text) +
               "; what it allows is taken from the affinities";
    };
    const auto place_of = [&](int number) {
        return "<" + name + " " + id + "='" + std::to_string(number) + "'>";
    };
    for (const pugi::xml_node& pin : cputune.children(element.name)) {
        const char* text = pin.attribute(element.id).as_string();
        const auto number = parse_integer(text);
        if (!number || *number < 0 || *number > element.last) {
            add_problem(domain, wrong(text));
            continue;
        }
        const std::string place = place_of(static_cast<int>(*number));
        if (const auto cpus = parse_cpuset(pin, place, domain))
            pins[*number] = *cpus;
        else
            pins.erase(*number);
    }
}

bool is_known_mode(std::string_view mode) {
    constexpr std::array known{"strict", "restrictive", "preferred", "interleave"};
    return std::find(known.begin(), known.end(), mode) != known.end();
}

// For <memory> and <memnode>. libvirt does not write the nodeset that numad has chosen, but puts it
// into the cpuset.
NumaTune parse_numatune(const pugi::xml_node& node, const std::string& element, Domain& domain) {
    constexpr const char* stays = "; the memory that it is for stays where it is";
    NumaTune numatune{node.attribute("mode").as_string("strict"), {}};
    if (!is_known_mode(numatune.mode)) {
        numatune.understood = false;
        add_problem(domain, "attribute mode of " + element +
                                " must be strict, restrictive, preferred or interleave" +
                                not_text(numatune.mode) + stays);
    }
    const pugi::xml_attribute nodeset = node.attribute("nodeset");
    if (!nodeset) return numatune;
    if (const auto nodes = parse_node_list(nodeset.as_string())) {
        numatune.nodes = *nodes;
    } else {
        numatune.understood = false;
        add_problem(domain, "attribute nodeset of " + element + " must be a list of nodes" +
                                not_text(nodeset.as_string()) + stays);
    }
    return numatune;
}

void parse_cell_nodes(const pugi::xml_node& numatune, Domain& domain) {
    for (const pugi::xml_node& node : numatune.children("memnode")) {
        const char* text = node.attribute("cellid").as_string();
        const NumaTune own =
            parse_numatune(node, "<memnode cellid='" + printable(text) + "'>", domain);
        if (const auto cell = parse_integer(text)) {
            domain.tuning.cell_nodes[*cell] = own;
            continue;
        }
        add_problem(domain, "attribute cellid of <memnode> must be the number of a cell" +
                                not_text(text) + "; the memory of all cells stays where it is");
        if (domain.immovable.empty())
            domain.immovable = "which cell a <memnode> binds is not understood";
    }
}

std::optional<CpuTune> parse_cputune(const pugi::xml_node& cputune, Domain& domain) {
    const auto number = [&](const char* element) -> std::optional<std::int64_t> {
        const pugi::xml_node node = cputune.child(element);
        if (!node) return std::nullopt;
        const auto value = parse_integer<std::int64_t>(node.child_value());
        if (!value)
            add_problem(domain, std::string("<") + element + "> of <cputune> must be an integer" +
                                    not_text(node.child_value()) + "; it is not reported");
        return value;
    };
    const CpuTune tune{number("shares"), number("period"), number("quota")};
    if (!tune.shares && !tune.period_us && !tune.quota_us) return std::nullopt;
    return tune;
}

}  // namespace

void parse_tuning(const pugi::xml_node& root, int vcpus, Domain& domain) {
    const pugi::xml_node vcpu = root.child("vcpu"), cputune = root.child("cputune"),
                         numatune = root.child("numatune");
    const pugi::xml_node memory = numatune.child("memory"),
                         emulatorpin = cputune.child("emulatorpin");
    DomainTuning& tuning = domain.tuning;
    const auto is_auto = [](const pugi::xml_node& node) {
        return std::string_view(node.attribute("placement").as_string()) == "auto";
    };
    if (is_auto(vcpu) || is_auto(memory)) tuning.placement = "auto";
    // <vcpu cpuset=...> applies to each vCPU without a <vcpupin>, and to the emulator without an
    // <emulatorpin>.
    if (vcpu.attribute("cpuset")) tuning.emulatorpin = parse_cpuset(vcpu, "<vcpu>", domain);
    for (int id = 0; tuning.emulatorpin && id < vcpus; ++id)
        tuning.vcpupin.emplace(id, *tuning.emulatorpin);
    if (emulatorpin) tuning.emulatorpin = parse_cpuset(emulatorpin, "<emulatorpin>", domain);
    parse_pins(cputune, vcpupin, tuning.vcpupin, domain);
    parse_pins(cputune, iothreadpin, tuning.iothreadpin, domain);
    if (memory) tuning.numatune = parse_numatune(memory, "<memory> of <numatune>", domain);
    parse_cell_nodes(numatune, domain);
    tuning.cputune = parse_cputune(cputune, domain);
}

}  // namespace vnuma
