#include "src/ctl/host/features.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

#include "src/config/config.hpp"
#include "src/observe/host.hpp"

namespace vnuma::ctl {
namespace {

using enum FeatureState;

Feature judge_nodes(const HostFacts& facts) {
    if (!facts.nodes)
        return {"NUMA nodes", missing, "the kernel was built without NUMA (CONFIG_NUMA)", ""};
    if (*facts.nodes >= 2)
        return {
            "NUMA nodes", good,
            std::to_string(*facts.nodes) + " nodes with " + std::to_string(facts.cpus) + " CPUs",
            ""};
    if (facts.numa_off)
        return {"NUMA nodes", limited,
                "one: numa=off on the kernel's command line hides the others, if there are any",
                "remove numa=off from the kernel's command line and reboot"};
    return {"NUMA nodes", limited,
            "one, so there is nothing to balance; firmware can hide nodes (\"node interleaving\", "
            "\"NPS1\", \"sub-NUMA clustering\")",
            ""};
}

Feature judge_kvm(const HostFacts& facts) {
    if (facts.kvm_device) return {"KVM", good, "/dev/kvm", ""};
    if (facts.virtualization.empty())
        return {"KVM", missing,
                "the CPU does not offer virtualization, or the firmware has turned it off", ""};
    return {"KVM", missing, "there is no /dev/kvm: the module is not loaded",
            facts.virtualization == "vmx" ? "modprobe kvm_intel" : "modprobe kvm_amd"};
}

Feature judge_kernel(const HostFacts& facts) {
    // Capabilities are judged apart.
    const std::vector<std::string> lacks = missing_abilities(facts.abilities, {});
    if (!lacks.empty()) return {"kernel", missing, lacks.front(), ""};
    if (forgets_affinities(facts.kernel))
        return {"kernel", limited,
                "Linux " + facts.kernel +
                    " forgets pins when a cpuset is written; vnumad pins "
                    "again at the next tick (Linux 6.2 does not forget)",
                ""};
    return {"kernel", good, "Linux " + facts.kernel, ""};
}

// What is missing for mode act with the default configuration.
std::vector<Feature> judge_capabilities(const HostFacts& facts) {
    const std::vector<CapabilityUse> uses = enabled_uses(Config(), facts.is_root);
    std::vector<Feature> features;
    std::map<std::string, const CapabilityUse*> lacks;
    for (const CapabilityUse& use : uses) {
        const auto& held = facts.abilities.capabilities;
        if (std::find(held.begin(), held.end(), use.capability) != held.end()) continue;
        const CapabilityUse*& known = lacks[capability_name(use.capability)];
        if (!known || use.required) known = &use;
    }
    if (lacks.empty()) return {{"capabilities", good, "all that vnumad needs", ""}};
    features.reserve(lacks.size());
    for (const auto& [capability, use] : lacks)
        features.push_back({capability, use->required ? missing : limited,
                            std::string("this user does not have it: ") + use->without,
                            "run vnumad as root: systemctl start vnumad"});
    return features;
}

Feature judge_heat(const HostFacts& facts) {
    int major = 0, minor = 0;
    std::sscanf(facts.kernel.c_str(), "%d.%d", &major, &minor);
    const bool is_new = major > 6 || (major == 6 && minor >= 2);
    if (facts.damon && is_new) {
        // Those of a vnumad that runs are its own.
        if (facts.kdamonds == 0 || facts.vnumad_answers) return {"memory heat", good, "DAMON", ""};
        return {"memory heat", limited,
                "DAMON has " + std::to_string(facts.kdamonds) +
                    " kdamonds already; if they are not those of a vnumad, it does without DAMON",
                "echo 0 > /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds"};
    }
    if (facts.idle_pages)
        return {"memory heat", limited,
                "no DAMON (CONFIG_DAMON_SYSFS, Linux 6.2), but idle page tracking, which has to be "
                "chosen: tracking.heat = \"idle-page\"",
                ""};
    return {"memory heat", limited,
            "neither DAMON (CONFIG_DAMON_SYSFS, Linux 6.2) nor idle page tracking: of libvirt's "
            "guests vnumad learns how fast they write, and no more",
            "install a kernel of Linux 6.2 or later with CONFIG_DAMON_SYSFS"};
}

Feature judge_attribution(const HostFacts& facts) {
    constexpr const char* name = "accesses by vCPU";
    if (!facts.btf)
        return {name, limited,
                "the kernel does not describe its types (/sys/kernel/btf/vmlinux): wide guests "
                "without vNUMA are split without knowing what their vCPUs share",
                "install a kernel with CONFIG_DEBUG_INFO_BTF"};
    if (facts.locked_down)
        return {name, limited,
                "lockdown=confidentiality keeps BPF programs from reading KVM's events",
                "use lockdown=integrity on the kernel's command line and reboot"};
    return {name, good, "BPF with BTF", ""};
}

Feature judge_cgroups(const HostFacts& facts) {
    if (facts.cgroup_version == 0)
        return {"cgroups", limited, "none are mounted: limits of guests' cpusets are not seen", ""};
    return {"cgroups", good, "version " + std::to_string(facts.cgroup_version), ""};
}

Feature judge_pressure(const HostFacts& facts) {
    if (facts.pressure) return {"pressure", good, "/proc/pressure", ""};
    return {
        "pressure", limited,
        "the kernel does not tell of stalls (/proc/pressure): vnumad does not notice how long a "
        "guest waits for memory that moves",
        "add psi=1 to the kernel's command line and reboot"};
}

Feature judge_libvirt(const HostFacts& facts) {
    if (facts.libvirt_answers) return {"libvirt", good, facts.libvirt_socket, ""};
    if (!facts.libvirt_socket.empty())
        return {"libvirt", limited,
                facts.libvirt_socket + " is there, but it may not be used or nobody listens",
                "systemctl restart virtqemud.socket libvirtd.socket"};
    return {"libvirt", limited,
            "it does not run here; guests are found in /proc, with less known of them",
            "systemctl enable --now libvirtd.socket"};
}

Feature judge_qemu(const HostFacts& facts) {
    if (facts.qemu.empty())
        return {"QEMU", limited, "none is installed; other VMMs are served as well", ""};
    return {"QEMU", good,
            (facts.qemu_version.empty() ? "" : facts.qemu_version + ", ") + facts.qemu, ""};
}

// How to end what it does.
std::string command_against(const std::string& rival) {
    if (rival == "numa_balancing") return "sysctl kernel.numa_balancing=0";
    if (rival == "ksm") return "echo 0 > /sys/kernel/mm/ksm/merge_across_nodes";
    if (rival == "numad" || rival == "irqbalance" || rival == "tuned")
        return "systemctl disable --now " + rival;
    return "";
}

void add_rivals(const HostFacts& facts, std::vector<Feature>& features) {
    const std::vector<Rival> rivals = find_rivals(facts.rivals, Coexistence());
    for (const Rival& rival : rivals) {
        const bool harms = rival.handling != Handling::share;
        features.push_back({"rival " + rival.name, harms ? limited : good,
                            rival.presence + ": " + rival.effect(),
                            harms ? command_against(rival.name) : ""});
    }
    if (rivals.empty())
        features.push_back({"rivals", good, "no other balancer of guests was found", ""});
}

Feature judge_vnumad(const HostFacts& facts) {
    if (facts.vnumad_answers) return {"vnumad", good, "it runs", ""};
    if (facts.vnumad_forbidden)
        return {"vnumad", limited, "this user may not open its socket, so it is not known to run",
                "sudo vnumactl check-host"};
    return {"vnumad", limited, "it does not run", "systemctl enable --now vnumad"};
}

}  // namespace

std::vector<Feature> judge_host(const HostFacts& facts) {
    std::vector<Feature> features{judge_nodes(facts), judge_kvm(facts), judge_kernel(facts)};
    for (Feature& feature : judge_capabilities(facts))
        features.push_back(std::move(feature));
    features.insert(features.end(),
                    {judge_heat(facts), judge_attribution(facts), judge_cgroups(facts),
                     judge_pressure(facts), judge_libvirt(facts), judge_qemu(facts)});
    add_rivals(facts, features);
    features.push_back(judge_vnumad(facts));
    return features;
}

}  // namespace vnuma::ctl
