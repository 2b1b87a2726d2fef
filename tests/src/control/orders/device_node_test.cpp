#include "src/control/orders/device_node.hpp"

#include <gtest/gtest.h>

#include "tests/temporary.hpp"

namespace vnuma::control {
namespace {

class DeviceNodeTest : public ::testing::Test {
  protected:
    DeviceNodeTest() {
        directory.write(pci + "/numa_node", "1\n");
        directory.write(pci + "/net/eth0/address", "");
        directory.write(pci + "/nvme/nvme0/nvme0n1/nvme0n1p1/size", "");
        directory.write("sys/devices/pci0000:3a/0000:3a:01.0/numa_node", "-1\n");
        directory.write("sys/devices/virtual/net/lo/address", "");
        directory.link("../../../devices/pci0000:3a/0000:3a:00.0",
                       "sys/bus/pci/devices/0000:3a:00.0");
        directory.link("../../../devices/pci0000:3a/0000:3a:01.0",
                       "sys/bus/pci/devices/0000:3a:01.0");
        directory.link("../../devices/pci0000:3a/0000:3a:00.0/net/eth0", "sys/class/net/eth0");
        directory.link("../../devices/virtual/net/lo", "sys/class/net/lo");
        directory.link("../../devices/pci0000:3a/0000:3a:00.0/nvme/nvme0/nvme0n1/nvme0n1p1",
                       "sys/class/block/nvme0n1p1");
    }
    DeviceNode find(const std::string& device) const {
        return find_device_node(device, directory.path());
    }

    const std::string pci = "sys/devices/pci0000:3a/0000:3a:00.0";
    const test::TemporaryDirectory directory;
};

TEST_F(DeviceNodeTest, PciAddressesInterfacesAndBlockDevicesHaveOne) {
    for (const char* device : {"0000:3a:00.0", "3a:00.0", "eth0", "nvme0n1p1", "/dev/nvme0n1p1"}) {
        EXPECT_EQ(find(device).node, 1) << device;
        EXPECT_EQ(find(device).problem, "") << device;
    }
}

TEST_F(DeviceNodeTest, WhatHasNoneIsToldWhy) {
    EXPECT_NE(find("3a:01.0").problem.find("belongs to no node"), std::string::npos);
    EXPECT_NE(find("lo").problem.find("virtual"), std::string::npos);
    EXPECT_NE(find("eth7").problem.find("of this host"), std::string::npos);
    for (const std::string& device :
         {std::string(), std::string(".."), std::string("../lo"), std::string("/dev/../x"),
          std::string(300, 'a'), std::string("a\0b", 3)}) {
        EXPECT_NE(find(device).problem, "") << device;
        EXPECT_EQ(find(device).node, -1) << device;
    }
}

}  // namespace
}  // namespace vnuma::control
