// Calls to libvirt about its running domains. All block for as long as libvirt does.
#pragma once

#include <libvirt/libvirt.h>

#include <memory>
#include <vector>

#include "guests/discovery/domain_queries.hpp"

namespace vnuma {

// Throws SourceError.
std::vector<std::shared_ptr<virDomain>> list_running_domains(virConnectPtr connection);

// State, job and XML of the domain. Not virConnectGetAllDomainStats(), which would read the states
// of all domains in one call: it says nothing about jobs, and libvirtd keeps workers free for the
// list, the state and the XML (their calls have a high priority in remote_protocol.x), but none
// for statistics.
DomainReply read_domain(virDomainPtr domain);

}  // namespace vnuma
