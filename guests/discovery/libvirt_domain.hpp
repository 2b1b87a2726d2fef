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

struct ListedDomain {
    std::shared_ptr<virDomain> handle;
    // None if libvirt was not asked for it, or does not tell it.
    std::optional<DomainState> state{};
};

// Throws SourceError.
std::vector<ListedDomain> list_running_domains(virConnectPtr connection);

// The same with the states of all domains, in one call, but without their jobs. The call waits for
// no domain's monitor. Nothing if libvirt or its driver does not have this call. libvirtd keeps
// workers free for lists, states and XML (prio_workers in libvirtd.conf), but not for statistics:
// this call has no high priority in libvirt's remote_protocol.x. So it may hang while
// list_running_domains() does not. Throws SourceError.
std::optional<std::vector<ListedDomain>> list_running_domains_with_states(virConnectPtr connection);

// The process of a running domain, from the file that libvirt keeps for it. Nothing if there is
// none; the file may outlive the process.
std::optional<pid_t> read_domain_pid(const std::string& directory, const std::string& name);

// Reads state and job. Nothing if libvirt returns an error.
std::optional<RunState> read_run_state(virDomainPtr domain);

// Reads state, job and XML of the domain.
DomainReply read_domain(virDomainPtr domain);

}  // namespace vnuma
