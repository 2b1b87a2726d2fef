// Calls to libvirt about its running domains. All block for as long as libvirt does.
#pragma once

#include <libvirt/libvirt.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guests/discovery/domain_queries.hpp"

namespace vnuma {

// Throws SourceError.
std::vector<std::shared_ptr<virDomain>> list_running_domains(virConnectPtr connection);

// The process of a running domain, from the file that libvirt keeps for it. Nothing if there is
// none; the file may outlive the process.
std::optional<pid_t> read_domain_pid(const std::string& directory, const std::string& name);

// Reads state and job. Nothing if libvirt returns an error.
std::optional<RunState> read_run_state(virDomainPtr domain);

// Reads state, job and XML of the domain. virConnectGetAllDomainStats() would read the states of
// all domains in one call, but it does not report jobs. It also has no high priority in libvirt's
// remote_protocol.x: libvirtd keeps workers free for lists, states and XML (prio_workers in
// libvirtd.conf), but not for statistics.
DomainReply read_domain(virDomainPtr domain);

}  // namespace vnuma
