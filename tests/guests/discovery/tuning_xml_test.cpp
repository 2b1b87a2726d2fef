#include <gtest/gtest.h>

#include "guests/discovery/domain_xml.hpp"

namespace vnuma {
namespace {

using Problems = std::vector<std::string>;
using Pins = std::map<int, std::vector<int>>;

Domain parse(const std::string& tuning, const std::string& vcpu = "<vcpu>2</vcpu>") {
    std::string error;
    const auto domain = parse_domain(
        "<domain><name>web</name><uuid>3caba501</uuid><memory>2048</memory>" + vcpu +
            "<cpu><numa><cell id='0' cpus='0' memory='1024'/><cell id='1' cpus='1' memory='1024'/>"
            "</numa></cpu>" +
            tuning + "</domain>",
        error);
    EXPECT_TRUE(domain) << error;
    return domain.value_or(Domain{});
}

// Their threads stay where libvirt has put them.
TEST(ParseTuning, APinThatCannotBeReadIsAProblem) {
    const auto pins = [](const std::string& pin) {
        return parse("<cputune>" + pin + "</cputune>");
    };
    const std::string taken = "; what it allows is taken from the affinities";
    Domain domain = pins("<vcpupin vcpu='0' cpuset='2-x'/><vcpupin vcpu='1' cpuset='3'/>");
    EXPECT_EQ(domain.tuning.vcpupin, (Pins{{1, {3}}}));
    EXPECT_EQ(domain.problems,
              Problems{"attribute cpuset of <vcpupin vcpu='0'> must be a list of CPUs, not "
                       "\"2-x\"" +
                       taken});
    domain = pins("<emulatorpin cpuset='x'/><iothreadpin iothread='1' cpuset=''/>");
    EXPECT_EQ(domain.tuning, DomainTuning{});
    EXPECT_EQ(domain.problems.size(), 2U);
    for (const char* vcpu : {"x", "-1", "4096"})
        EXPECT_EQ(pins("<vcpupin vcpu='" + std::string(vcpu) + "' cpuset='3'/>").problems,
                  Problems{"attribute vcpu of <vcpupin> must be an integer from 0 to 4095, not \"" +
                           std::string(vcpu) + "\"" + taken});
}

TEST(ParseTuning, TheCpusetOfVcpuDoesNotStandInForAPinThatCannotBeRead) {
    const Domain domain =
        parse("<cputune><vcpupin vcpu='0' cpuset='x'/><emulatorpin cpuset='x'/></cputune>",
              "<vcpu cpuset='4'>2</vcpu>");
    EXPECT_EQ(domain.tuning.vcpupin, (Pins{{1, {4}}}));
    EXPECT_FALSE(domain.tuning.emulatorpin);
    EXPECT_EQ(domain.problems.size(), 2U);
    const Domain odd = parse("", "<vcpu cpuset='x'>2</vcpu>");
    EXPECT_EQ(odd.tuning, DomainTuning{});
    EXPECT_EQ(odd.problems.size(), 1U);
}

TEST(ParseTuning, AMemoryPolicyThatCannotBeReadIsAProblemAndNotUnderstood) {
    Domain domain = parse(
        "<numatune><memory mode='strict' nodeset='0'/>"
        "<memnode cellid='0' mode='strict' nodeset='1,x'/></numatune>");
    EXPECT_EQ(*find_numatune(domain.tuning, 0), (NumaTune{"strict", {}, false}));
    EXPECT_EQ(*find_numatune(domain.tuning, 1), (NumaTune{"strict", {0}}));
    EXPECT_EQ(domain.problems,
              Problems{"attribute nodeset of <memnode cellid='0'> must be a list of nodes, not "
                       "\"1,x\"; the memory that it is for stays where it is"});
    EXPECT_EQ(domain.immovable, "");
    domain = parse("<numatune><memory nodeset=''/></numatune>");
    EXPECT_FALSE(domain.tuning.numatune->understood);
    EXPECT_EQ(domain.problems.size(), 1U);
    domain = parse("<numatune><memory mode='odd' nodeset='1'/></numatune>");
    EXPECT_FALSE(domain.tuning.numatune->understood);
    EXPECT_EQ(
        domain.problems,
        Problems{"attribute mode of <memory> of <numatune> must be strict, restrictive, "
                 "preferred or interleave, not \"odd\"; the memory that it is for stays where "
                 "it is"});
}

TEST(ParseTuning, TheNodesThatNumadHasChosenAreNotMissed) {
    const Domain domain = parse("<numatune><memory mode='strict' placement='auto'/></numatune>");
    EXPECT_EQ(domain.tuning.numatune, (NumaTune{"strict", {}}));
    EXPECT_EQ(domain.problems, Problems{});
}

TEST(ParseTuning, AMemoryPolicyOfACellThatCannotBeReadHoldsAllMemory) {
    const Domain domain =
        parse("<numatune><memnode cellid='x' mode='strict' nodeset='1'/></numatune>");
    EXPECT_EQ(domain.immovable, "which cell a <memnode> binds is not understood");
    EXPECT_EQ(domain.problems,
              Problems{"attribute cellid of <memnode> must be the number of a cell, not \"x\"; the "
                       "memory of all cells stays where it is"});
}

TEST(ParseTuning, CpuTimeThatCannotBeReadIsAProblem) {
    const Domain domain = parse("<cputune><shares>many</shares><period>100000</period></cputune>");
    EXPECT_EQ(domain.tuning.cputune, (CpuTune{std::nullopt, 100000, std::nullopt}));
    EXPECT_EQ(domain.problems, Problems{"<shares> of <cputune> must be an integer, not \"many\"; "
                                        "it is not reported"});
}

}  // namespace
}  // namespace vnuma
