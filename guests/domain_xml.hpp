// What vnumad reads from a libvirt domain's XML. Pure.
#pragma once

#include <optional>
#include <string>

#include "guests/domain.hpp"

namespace pugi {
class xml_node;
}

namespace vnuma {

// Nothing, and `error` says why, when the XML is not a domain that could run.
std::optional<Domain> parse_domain(const std::string& xml, std::string& error);

// The part of parse_domain() that is about the owner's wishes. One that cannot be read is not
// there: libvirt has checked them, and has put them into effect where they can be seen.
Wishes parse_wishes(const pugi::xml_node& domain);

}  // namespace vnuma
