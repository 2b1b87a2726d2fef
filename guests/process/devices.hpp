// The host devices that a guest uses, and whether its memory may be moved.
#pragma once

#include <string>
#include <vector>

#include "guests/model/domain.hpp"
#include "guests/model/sample.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

struct DeviceFindings {
    std::vector<HostDevice> devices;  // sorted by address
    std::string immovable;            // why the guest's memory cannot be moved; empty if it can
    bool uses_vhost = false;          // /dev/vhost-net, vhost-vsock or vhost-scsi is open
    bool uses_userfaultfd = false;    // somebody brings its memory page by page, or watches it
};

// Reads which files the process has open, and the devices behind them from sysfs, mounted at
// `sysfs`. `domain`, which may be null, adds the devices that libvirt's XML names.
DeviceFindings read_devices(const Process& process, const Domain* domain, const std::string& sysfs);

}  // namespace vnuma
