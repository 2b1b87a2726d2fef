// The node that a device of the host belongs to.
#pragma once

#include <string>

namespace vnuma::control {

struct DeviceNode {
    int node = -1;        // the kernel's number
    std::string problem;  // why it is not known: the predicate of a sentence; empty if it is
};

// `device`: a PCI address ("0000:3b:00.0", "3b:00.0"), a network interface, or a block device
// ("nvme0n1", "/dev/sda"). `root` is where sysfs is mounted below: tests have a directory. Blocks
// on sysfs.
DeviceNode find_device_node(const std::string& device, const std::string& root = "/");

}  // namespace vnuma::control
