// How fast libvirt's domains write their memory: QEMU's measurement, started and read through calls
// that do not taint a domain.
#pragma once

#include <libvirt/libvirt.h>

#include <chrono>
#include <string>

#include "guests/discovery/guest_source.hpp"

namespace vnuma {

// From the fields of VIR_DOMAIN_STATS_DIRTYRATE ("dirtyrate.calc_status" and so on). Pure; calls of
// libvirt that only look at the fields. Throws MonitorError when there are none: libvirt leaves
// them out when QEMU is too old, or while the domain is busy.
WriteMeasurement write_measurement_of(virTypedParameterPtr fields, int count);

// See Source. Block for as long as libvirt does. Throw MonitorError.
bool start_write_measurement_by(virConnectPtr connection, const std::string& uuid,
                                std::chrono::seconds duration, bool ring);
WriteMeasurement read_write_measurement_by(virConnectPtr connection, const std::string& uuid);

}  // namespace vnuma
