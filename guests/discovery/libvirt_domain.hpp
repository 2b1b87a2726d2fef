// Calls to libvirt about its running domains. All block for as long as libvirt does.
#pragma once

#include <libvirt/libvirt.h>

#include <memory>
#include <optional>
#include <vector>

#include "guests/discovery/domain_queries.hpp"

namespace vnuma {

// Throws SourceError.
std::vector<std::shared_ptr<virDomain>> list_running_domains(virConnectPtr connection);

// Reads state and job. Nothing if libvirt returns an error.
std::optional<RunState> read_run_state(virDomainPtr domain);

// Reads state, job and XML of the domain. virConnectGetAllDomainStats() would read the states of
// all domains in one call, but it does not report jobs. It also has no high priority in libvirt's
// remote_protocol.x: libvirtd keeps workers free for lists, states and XML (prio_workers in
// libvirtd.conf), but not for statistics.
DomainReply read_domain(virDomainPtr domain);

}  // namespace vnuma
