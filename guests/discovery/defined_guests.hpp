// The guests that libvirt knows, whether they run or not: what a configuration may speak of.
#pragma once

#include <vector>

#include "guests/model/settings.hpp"
#include "policy/model/guest_policy.hpp"

namespace vnuma {

// Connects read-only, which every user may, asks, and disconnects. The control group is known of
// guests that run. Blocks for as long as libvirt does. Throws SourceError.
std::vector<GuestIdentity> list_defined_guests(const LibvirtSettings& settings);

}  // namespace vnuma
