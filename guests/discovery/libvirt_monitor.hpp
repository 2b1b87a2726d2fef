// A domain's QEMU monitor, reached through libvirt.
#pragma once

#include <libvirt/libvirt.h>

#include <string>

#include "guests/discovery/libvirt_connection.hpp"
#include "guests/discovery/qemu_monitor.hpp"

namespace vnuma {

// Throws MonitorError.
DomainHandle find_domain(virConnectPtr connection, const std::string& uuid);

// The first command makes libvirt mark the domain as tainted ("custom-monitor").
class LibvirtMonitor : public Monitor {
  public:
    // `domain` must outlive the monitor.
    explicit LibvirtMonitor(virDomainPtr domain) : domain_(domain) {}

    // Blocks for as long as libvirt does.
    nlohmann::json execute(const std::string& command, const nlohmann::json& arguments) override;

  private:
    virDomainPtr domain_;
};

}  // namespace vnuma
