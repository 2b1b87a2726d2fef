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
    DeviceFindings read(const Domain& domain = {}) {
        return read_devices(host.process(), &domain, host.roots().sysfs);
    }
    test::RecordedHost host{"vnuma"};
    int next_fd = 3;
};

TEST_F(DevicesTest, DevicesOfAnIommuGroupAreFoundWithTheirNode) {
    open("/dev/vfio/vfio");
    open("/dev/vfio/12");
    host.files.link("../../../../devices/x", "sys/kernel/iommu_groups/12/devices/0000:81:00.0");
    host.files.write("sys/bus/pci/devices/0000:81:00.0/numa_node", "1\n");
    const DeviceFindings found = read();
    ASSERT_EQ(found.devices.size(), 1U);
    EXPECT_EQ(found.devices[0].address, "0000:81:00.0");
    EXPECT_EQ(found.devices[0].node, 1);
    EXPECT_NE(found.immovable.find("VFIO"), std::string::npos);
}

TEST_F(DevicesTest, ADeviceOpenedWithoutItsGroupIsFound) {
    open("/dev/vfio/devices/vfio3");
    host.files.link("../../../0000:02:00.0", "sys/class/vfio-dev/vfio3/device");
    const DeviceFindings found = read();
    ASSERT_EQ(found.devices.size(), 1U);
    EXPECT_EQ(found.devices[0].address, "0000:02:00.0");
    EXPECT_EQ(found.devices[0].node, std::nullopt) << "sysfs names no node";
}

TEST_F(DevicesTest, ADeviceThatIsOpenAndInTheXmlIsListedOnce) {
    open("/dev/vfio/12");
    host.files.link("x", "sys/kernel/iommu_groups/12/devices/0000:81:00.0");
    host.files.write("sys/bus/pci/devices/0000:81:00.0/numa_node", "-1\n");
    Domain domain;
    domain.host_devices = {"0000:81:00.0"};
    const DeviceFindings found = read(domain);
    ASSERT_EQ(found.devices.size(), 1U);
    EXPECT_EQ(found.devices[0].node, std::nullopt);
}

TEST_F(DevicesTest, ThePciDeviceBelowAMacvtapInterfaceIsFound) {
    host.files.link("../../../0000:02:00.0", "sys/class/net/eth0/device");
    host.files.link("../../../virtio3", "sys/class/net/eth1/device");
    host.files.write("sys/class/net/bond0/operstate", "up\n");
    host.files.write("sys/bus/pci/devices/0000:02:00.0/numa_node", "1\n");
    Domain domain;
    domain.network_devices = {"bond0", "eth0", "eth1", "gone"};
    const DeviceFindings found = read(domain);
    ASSERT_EQ(found.devices.size(), 1U);
    EXPECT_EQ(found.devices[0].address, "0000:02:00.0");
    EXPECT_EQ(found.devices[0].node, 1);
    EXPECT_EQ(found.immovable, "") << "macvtap pins no memory";
}

TEST_F(DevicesTest, SevMakesMemoryImmovableAndVhostDoesNot) {
    open("/dev/vhost-net");
    EXPECT_TRUE(read().uses_vhost);
    EXPECT_EQ(read().immovable, "");
    open("/dev/sev");
    EXPECT_NE(read().immovable, "");
}

TEST_F(DevicesTest, GuestMemfdMakesMemoryImmovable) {
    open("anon_inode:[kvm-gmem]");
    EXPECT_NE(read().immovable.find("guest_memfd"), std::string::npos);
}

TEST_F(DevicesTest, AUserfaultfdIsTold) {
    EXPECT_FALSE(read().uses_userfaultfd);
    open("anon_inode:[userfaultfd]");
    EXPECT_TRUE(read().uses_userfaultfd);
    EXPECT_EQ(read().immovable, "");
}

TEST_F(DevicesTest, AGuestWithoutHostDevicesHasNone) {
    open("/dev/kvm");
    open("socket:[123]");
    const DeviceFindings found = read();
    EXPECT_TRUE(found.devices.empty());
    EXPECT_EQ(found.immovable, "");
    EXPECT_FALSE(found.uses_vhost);
}

}  // namespace
}  // namespace vnuma
