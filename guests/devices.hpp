// The host's devices in a guest's hands, and what they do to its memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guests/process.hpp"

namespace vnuma {

struct HostDevice {
    std::string address;      // PCI, "0000:01:00.0"
    std::optional<int> node;  // the kernel's number; none when the host does not say
};

struct DeviceLook {
    std::vector<HostDevice> devices;
    std::string immovable;    // why the guest's memory cannot be moved, as its open files tell
    bool uses_vhost = false;  // /dev/vhost-net, -vsock or -scsi is open
};

// Reads the process' open files, and sysfs for the devices behind them. `addresses` are devices
// already known of, as libvirt's XML tells.
DeviceLook read_devices(const Process& process, const std::vector<std::string>& addresses,
                        const std::string& sysfs);

}  // namespace vnuma
