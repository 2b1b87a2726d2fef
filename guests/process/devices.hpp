// The host's devices in a guest's hands, and what they do to its memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"
#include "guests/model/sample.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

struct DeviceFindings {
    std::vector<HostDevice> devices;
    std::string immovable;    // why the guest's memory cannot be moved, as its open files tell
    bool uses_vhost = false;  // /dev/vhost-net, -vsock or -scsi is open
};

// Reads the process' open files, and sysfs for the devices behind them. What libvirt's XML tells is
// in `domain`, if there is one.
DeviceFindings read_devices(const Process& process, const Domain* domain, const std::string& sysfs);

}  // namespace vnuma
