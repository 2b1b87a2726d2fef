#include "guests/process/devices.hpp"

#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

class DevicesTest : public ::testing::Test {
  protected:
    void open(const std::string& file) {
        host.files.link(file,
                        "proc/" + std::to_string(host.pid) + "/fd/" + std::to_string(next_fd++));
    }
    DeviceFindings look(const Domain& domain = {}) {
        return read_devices(host.process(), &domain, host.roots().sysfs);
    }
    test::RecordedHost host{"vnuma"};
    int next_fd = 3;
};

TEST_F(DevicesTest, ADeviceOfAnIommuGroupIsFoundWithItsNode) {
    open("/dev/vfio/vfio");
    open("/dev/vfio/12");
    host.files.link("../../../../devices/x", "sys/kernel/iommu_groups/12/devices/0000:81:00.0");
    host.files.write("sys/bus/pci/devices/0000:81:00.0/numa_node", "1\n");
    const DeviceFindings found = look();
    ASSERT_EQ(found.devices.size(), 1U);
    EXPECT_EQ(found.devices[0].address, "0000:81:00.0");
    EXPECT_EQ(found.devices[0].node, 1);
    EXPECT_NE(found.immovable.find("VFIO"), std::string::npos);
}

TEST_F(DevicesTest, ADeviceOpenedByItselfIsFound) {
    open("/dev/vfio/devices/vfio3");
    host.files.link("../../../0000:02:00.0", "sys/class/vfio-dev/vfio3/device");
    const DeviceFindings found = look();
    ASSERT_EQ(found.devices.size(), 1U);
    EXPECT_EQ(found.devices[0].address, "0000:02:00.0");
    EXPECT_EQ(found.devices[0].node, std::nullopt) << "the host does not say";
}

TEST_F(DevicesTest, WhatTheXmlNamesIsCountedOnce) {
    open("/dev/vfio/12");
    host.files.link("x", "sys/kernel/iommu_groups/12/devices/0000:81:00.0");
    host.files.write("sys/bus/pci/devices/0000:81:00.0/numa_node", "-1\n");
    Domain domain;
    domain.host_devices = {"0000:81:00.0"};
    const DeviceFindings found = look(domain);
    ASSERT_EQ(found.devices.size(), 1U);
    EXPECT_EQ(found.devices[0].node, std::nullopt);
}

TEST_F(DevicesTest, TheCardBehindAMacvtapDeviceIsFound) {
    host.files.link("../../../0000:02:00.0", "sys/class/net/eth0/device");
    host.files.link("../../../virtio3", "sys/class/net/eth1/device");
    host.files.write("sys/class/net/bond0/operstate", "up\n");
    host.files.write("sys/bus/pci/devices/0000:02:00.0/numa_node", "1\n");
    Domain domain;
    domain.network_devices = {"bond0", "eth0", "eth1", "gone"};
    const DeviceFindings found = look(domain);
    ASSERT_EQ(found.devices.size(), 1U);
    EXPECT_EQ(found.devices[0].address, "0000:02:00.0");
    EXPECT_EQ(found.devices[0].node, 1);
    EXPECT_EQ(found.immovable, "") << "nothing pins its memory";
}

TEST_F(DevicesTest, EncryptedMemoryAndVhostAreSeen) {
    open("/dev/vhost-net");
    EXPECT_TRUE(look().uses_vhost);
    EXPECT_EQ(look().immovable, "");
    open("/dev/sev");
    EXPECT_NE(look().immovable, "");
}

TEST_F(DevicesTest, MemoryOfAConfidentialGuestIsSeenWithoutItsXml) {
    open("anon_inode:[kvm-gmem]");
    EXPECT_NE(look().immovable.find("guest_memfd"), std::string::npos);
}

TEST_F(DevicesTest, AGuestWithoutAnyHasNone) {
    open("/dev/kvm");
    open("socket:[123]");
    const DeviceFindings found = look();
    EXPECT_TRUE(found.devices.empty());
    EXPECT_EQ(found.immovable, "");
    EXPECT_FALSE(found.uses_vhost);
}

}  // namespace
}  // namespace vnuma
