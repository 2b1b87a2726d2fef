// Which sections of a policy are those of a guest, and which are nobody's. Pure.
#pragma once

#include <string>
#include <vector>

#include "policy/model/guest_policy.hpp"

namespace vnuma {

struct GuestSection {
    std::string path;                 // "guest.web*", "cgroup./machine.slice/*"
    const PolicyOverrides* policy{};  // never null
};

// All sections that are the guest's, the more specific one behind: patterns of control groups, its
// own control group, patterns of names, its name, its UUID. Of two patterns of a kind, the one with
// more literal text is more specific, and of two with equally much the later one in the alphabet.
// The section of a UUID is also that of a guest which has copied the UUID (see tell_apart() in
// guests/discovery/qmp_source.cpp). They point into the maps.
std::vector<GuestSection> find_sections(const PolicySections& guests, const PolicySections& cgroups,
                                        const GuestIdentity& guest);

// The paths of sections of the configuration and of the run-time policy that are none of these
// guests'. Those of the run-time policy begin with "run-time policy, ".
std::vector<std::string> find_unmatched_sections(const HostPolicy& host,
                                                 const std::vector<GuestIdentity>& guests);

// How sections of the run-time policy are told from those of the configuration in messages.
inline constexpr const char* run_time_prefix = "run-time policy, ";

}  // namespace vnuma
