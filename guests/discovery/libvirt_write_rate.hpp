// libvirt's calls for QEMU's measurement of how fast a domain writes its memory. They do not taint
// the domain.
#pragma once

#include <libvirt/libvirt.h>

#include <chrono>
#include <string>

#include "guests/discovery/guest_source.hpp"

namespace vnuma {

// Reads the fields of VIR_DOMAIN_STATS_DIRTYRATE ("dirtyrate.calc_status" and so on). Pure: it uses
// only libvirt's functions for fields. Throws MonitorError if there are no such fields:
// libvirt leaves them out if QEMU is too old or the domain is busy.
WriteMeasurement write_measurement_of(virTypedParameterPtr fields, int count);

// See GuestSource. Both block for as long as libvirt does. Both throw MonitorError.
bool start_write_measurement_by(virConnectPtr connection, const std::string& uuid,
                                std::chrono::seconds duration, bool dirty_ring);
WriteMeasurement read_write_measurement_by(virConnectPtr connection, const std::string& uuid);

}  // namespace vnuma
