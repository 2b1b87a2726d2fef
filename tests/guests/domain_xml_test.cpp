#include "guests/domain_xml.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

Domain parse(const std::string& body) {
    std::string error;
    const auto domain = parse_domain(
        "<domain type='kvm' id='1'><name>web</name><uuid>3caba501</uuid>" + body + "</domain>",
        error);
    EXPECT_TRUE(domain) << error;
    return domain.value_or(Domain{});
}

std::string error_of(const std::string& xml) {
    std::string error;
    EXPECT_FALSE(parse_domain(xml, error));
    return error;
}

TEST(ParseDomain, AGuestWithoutVnumaIsOneCell) {
    const Domain domain =
        parse("<memory unit='KiB'>524288</memory><vcpu placement='static'>2</vcpu>");
    EXPECT_EQ(domain.name, "web");
    EXPECT_EQ(domain.uuid, "3caba501");
    ASSERT_EQ(domain.cells.size(), 1U);
    EXPECT_EQ(domain.cells[0].vcpus, (std::vector<int>{0, 1}));
    EXPECT_EQ(domain.cells[0].bytes, 512LL << 20);
    EXPECT_EQ(domain.immovable, "");
}

TEST(ParseDomain, ReadsCellsWithTheirVcpusAndMemory) {
    const Domain domain = parse(
        "<memory unit='KiB'>589824</memory><vcpu>4</vcpu><cpu><numa>"
        "<cell id='0' cpus='0-1' memory='262144' unit='KiB'/>"
        "<cell id='1' cpus='2-3' memory='320' unit='MiB'/></numa></cpu>");
    ASSERT_EQ(domain.cells.size(), 2U);
    EXPECT_EQ(domain.cells[0].bytes, 256LL << 20);
    EXPECT_EQ(domain.cells[1].vcpus, (std::vector<int>{2, 3}));
    EXPECT_EQ(domain.cells[1].bytes, 320LL << 20);
}

TEST(ParseDomain, KnowsWhatPinsMemory) {
    const std::string head = "<memory>1024</memory><vcpu>1</vcpu>";
    EXPECT_NE(parse(head + "<devices><hostdev mode='subsystem' type='pci'/></devices>").immovable,
              "");
    EXPECT_NE(parse(head + "<devices><interface type='hostdev'/></devices>").immovable, "");
    EXPECT_NE(parse(head + "<devices><disk type='nvme' device='disk'/></devices>").immovable, "");
    EXPECT_NE(parse(head + "<launchSecurity type='sev'/>").immovable, "");
    EXPECT_NE(parse(head + "<memoryBacking><locked/></memoryBacking>").immovable, "");
    EXPECT_EQ(parse(head + "<devices><hostdev mode='subsystem' type='usb'/></devices>").immovable,
              "");
}

TEST(ParseDomain, SaysWhatItCannotUse) {
    EXPECT_NE(error_of("<domain"), "");
    EXPECT_NE(error_of("<network/>"), "");
    EXPECT_NE(error_of("<domain><name>a</name></domain>"), "");
    EXPECT_NE(
        error_of("<domain><name>a</name><uuid>u</uuid><memory>0</memory><vcpu>1</vcpu></domain>"),
        "");
    EXPECT_NE(error_of("<domain><name>a</name><uuid>u</uuid><memory "
                       "unit='XiB'>5</memory><vcpu>1</vcpu></domain>"),
              "");
    EXPECT_NE(error_of("<domain><name>a</name><uuid>u</uuid><memory>99999999999999999999</"
                       "memory><vcpu>1</vcpu></domain>"),
              "");
    EXPECT_NE(error_of("<domain><name>a</name><uuid>u</uuid><cpu><numa><cell id='0' cpus='x' "
                       "memory='1'/></numa></cpu></domain>"),
              "");
}

}  // namespace
}  // namespace vnuma
