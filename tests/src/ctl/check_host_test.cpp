#include <gtest/gtest.h>

#include <linux/capability.h>

#include <algorithm>

#include "src/ctl/verbs/check_host.hpp"
#include "tests/src/ctl/fake_server.hpp"
#include "tests/temporary.hpp"

namespace vnuma::ctl {
namespace {

HostFacts good_host() {
    HostFacts facts;
    facts.nodes = 2;
    facts.cpus = 8;
    facts.kvm_device = true;
    facts.virtualization = "vmx";
    facts.kernel = "6.8.0-1";
    facts.is_root = true;
    facts.abilities = {true, true, true, {}};
    for (int capability = 0; capability <= CAP_LAST_CAP; ++capability)
        facts.abilities.capabilities.push_back(capability);
    facts.damon = true;
    facts.btf = true;
    facts.cgroup_version = 2;
    facts.pressure = true;
    facts.libvirt_socket = "/run/libvirt/libvirt-sock-ro";
    facts.libvirt_answers = true;
    facts.qemu = "/usr/bin/qemu-system-x86_64";
    facts.qemu_version = "7.2.22";
    facts.vnumad_answers = true;
    return facts;
}

Feature find(const HostFacts& facts, const std::string& name) {
    for (const Feature& feature : judge_host(facts))
        if (feature.name == name) return feature;
    ADD_FAILURE() << "there is no feature " << name;
    return {};
}

TEST(CheckHost, AHostThatHasAllIsGood) {
    for (const Feature& feature : judge_host(good_host()))
        EXPECT_EQ(feature.state, FeatureState::good) << feature.name << ": " << feature.found;
    EXPECT_TRUE(can_work(judge_host(good_host())));
}

TEST(CheckHost, WithoutKvmOrNumaVnumadCannotWork) {
    HostFacts facts = good_host();
    facts.kvm_device = false;
    EXPECT_EQ(find(facts, "KVM").remedy, "modprobe kvm_intel");
    EXPECT_FALSE(can_work(judge_host(facts)));
    facts = good_host();
    facts.nodes.reset();
    EXPECT_FALSE(can_work(judge_host(facts)));
    facts.nodes = 1;
    EXPECT_TRUE(can_work(judge_host(facts)));
    EXPECT_EQ(find(facts, "NUMA nodes").state, FeatureState::limited);
}

TEST(CheckHost, CapabilitiesThatAreMissingSayWhatFollows) {
    HostFacts facts = good_host();
    std::erase(facts.abilities.capabilities, CAP_SYS_PTRACE);
    std::erase(facts.abilities.capabilities, CAP_BPF);
    EXPECT_EQ(find(facts, "CAP_SYS_PTRACE").state, FeatureState::missing);
    EXPECT_EQ(find(facts, "CAP_BPF").state, FeatureState::limited);
    EXPECT_FALSE(can_work(judge_host(facts)));
}

TEST(CheckHost, OldKernelsAreLimited) {
    HostFacts facts = good_host();
    facts.kernel = "6.1.0-28-amd64";
    EXPECT_EQ(find(facts, "kernel").state, FeatureState::limited);
    EXPECT_EQ(find(facts, "memory heat").state, FeatureState::limited);
    facts.abilities.pidfd = false;
    EXPECT_EQ(find(facts, "kernel").state, FeatureState::missing);
}

TEST(CheckHost, ARivalThatKeepsVnumadFromActingHasACommandAgainstIt) {
    HostFacts facts = good_host();
    facts.rivals.daemons = {{"numad", 7}};
    facts.rivals.numa_balancing = 1;
    EXPECT_EQ(find(facts, "rival numad").state, FeatureState::limited);
    EXPECT_EQ(find(facts, "rival numad").remedy, "systemctl disable --now numad");
    EXPECT_EQ(find(facts, "rival numa_balancing").state, FeatureState::good);
}

TEST(CheckHost, VnumadIsLookedForWhereTheCommandLineSays) {
    const test::TemporaryDirectory directory;
    HostRoots roots{"/none", "/none", "/none", "/none", "/none", {}, {}};
    EXPECT_FALSE(read_host_facts(roots).vnumad_answers);
    const FileDescriptor listener = test::listen_at(directory.path("other.sock"));
    roots.control_sockets = {directory.path("none.sock"), directory.path("other.sock")};
    EXPECT_TRUE(read_host_facts(roots).vnumad_answers);
}

TEST(CheckHost, ASocketThatMayNotBeOpenedDoesNotMeanThatVnumadDoesNotRun) {
    HostFacts facts = good_host();
    facts.vnumad_answers = false;
    EXPECT_EQ(find(facts, "vnumad").remedy, "systemctl enable --now vnumad");
    facts.vnumad_forbidden = true;
    EXPECT_EQ(find(facts, "vnumad").remedy, "sudo vnumactl check-host");
}

TEST(CheckHost, TheTableIsFollowedByWhatIsMissingAndHowToMendIt) {
    const std::vector<Feature> features{
        {"KVM", FeatureState::good, "/dev/kvm", ""},
        {"libvirt", FeatureState::limited, "it does not run here", "systemctl start libvirtd"}};
    EXPECT_EQ(format_features(features, {.width = 0}),
              "FEATURE  STATE    FOUND\n"
              "KVM      good     /dev/kvm\n"
              "libvirt  limited  it does not run here\n"
              "\n"
              "libvirt: it does not run here\n"
              "    systemctl start libvirtd\n");
    EXPECT_EQ(features_as_json(features).dump(),
              R"([{"feature":"KVM","found":"/dev/kvm","state":"good"},)"
              R"({"feature":"libvirt","found":"it does not run here",)"
              R"("remedy":"systemctl start libvirtd","state":"limited"}])");
}

TEST(CheckHost, ReadingThisHostNeedsNothing) {
    HostRoots nowhere{"/none", "/none", "/none", "/none", "/none", {}, {}};
    EXPECT_FALSE(read_host_facts(nowhere).nodes);
    EXPECT_FALSE(judge_host(read_host_facts()).empty());
}

}  // namespace
}  // namespace vnuma::ctl
