// What vnumad reads from a libvirt domain's XML. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"

namespace pugi {
class xml_node;
}

namespace vnuma {

// Nothing, and `error` says why, when the XML is not a domain that could run.
std::optional<Domain> parse_domain(const std::string& xml, std::string& error);

// The part of parse_domain() that is about the owner's wishes. One that cannot be read is not
// there: libvirt has checked them, and has put them into effect where they can be seen.
DomainTuning parse_tuning(const pugi::xml_node& domain);

// The element that docs/policy-metadata.rng describes, whatever its prefix.
inline constexpr const char* policy_namespace = "https://vnumad.org/xmlns/policy/1.0";

// The part of parse_domain() that is about vnumad's policy for it. Libvirt checks nothing of it.
// What cannot be read is a problem and is not used, and since its owner meant something else then,
// the mode is at most observe.
PolicyOverrides parse_policy(const pugi::xml_node& domain, std::vector<std::string>& problems);

}  // namespace vnuma
