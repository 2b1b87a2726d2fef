// libvirt's events about domains.
#pragma once

#include <libvirt/libvirt.h>

#include <memory>
#include <vector>

#include "guests/discovery/domain_hints.hpp"

namespace vnuma {

// Has libvirt note in `hints` every domain whose state or description may have changed. Returns the
// numbers of the registrations. A kind of event that this libvirt or its driver does not have is
// left out. The thread of LibvirtEvents notes the domains. It may still do so after the connection
// was closed, so libvirt shares the ownership of `hints`. Blocks for as long as libvirt does.
std::vector<int> register_domain_events(virConnectPtr connection,
                                        const std::shared_ptr<DomainHints>& hints);

// Each registration holds a reference to the connection, which would not be closed with it. Blocks
// for as long as libvirt does.
void deregister_domain_events(virConnectPtr connection, const std::vector<int>& registrations);

}  // namespace vnuma
