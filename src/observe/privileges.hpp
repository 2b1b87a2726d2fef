// Which of root's capabilities vnumad needs for what it is configured to do. It gives up all others
// before it reads anything of a guest.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "src/config/config.hpp"

namespace vnuma {

// One thing that vnumad does with a capability. docs/security.md has the same table.
struct CapabilityUse {
    int capability;       // CAP_SYS_NICE ...
    const char* feature;  // the configuration that brings it about; Markdown
    bool (*is_enabled)(const Config& config, bool as_root);
    const char* purpose;
    const char* without;    // what happens without it
    bool required = false;  // vnumad does not start without it
};

std::span<const CapabilityUse> capability_uses();

// The uses that this configuration brings about. `as_root`: the user is root, who owns the kernel's
// files and so needs no capability to write to them. Pure.
std::vector<CapabilityUse> enabled_uses(const Config& config, bool as_root);

// "CAP_SYS_NICE"
std::string capability_name(int capability);

// The calling thread's effective capabilities.
std::vector<int> held_capabilities();

// Takes every capability but these from the calling thread, and from threads and programs that it
// starts, for good. A capability that it does not hold is not an error. Without CAP_SETPCAP the
// bounding set stays, which matters only to programs that it starts. Throws std::runtime_error.
void keep_capabilities(const std::vector<CapabilityUse>& uses);

}  // namespace vnuma
