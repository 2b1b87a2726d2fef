// How fast libvirt's domains write their memory, measured by QEMU. libvirt has calls for that,
// which do not taint a domain.
#pragma once

#include <libvirt/libvirt.h>

#include <chrono>
#include <string>

#include "guests/discovery/guest_source.hpp"

namespace vnuma {

// From the fields of VIR_DOMAIN_STATS_DIRTYRATE ("dirtyrate.calc_status" and so on). Pure: of
// libvirt it only uses functions that read fields. Throws MonitorError if there are no such fields:
// libvirt leaves them out if QEMU is too old or the domain is busy.
WriteMeasurement write_measurement_of(virTypedParameterPtr fields, int count);

// See GuestSource. Both block for as long as libvirt does. Both throw MonitorError.
bool start_write_measurement_by(virConnectPtr connection, const std::string& uuid,
                                std::chrono::seconds duration, bool dirty_ring);
WriteMeasurement read_write_measurement_by(virConnectPtr connection, const std::string& uuid);

}  // namespace vnuma
