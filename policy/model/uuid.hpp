// UUIDs as people, inventories and guests write them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vnuma {

// The UUID as libvirt and QEMU write it: in small letters, with dashes after 8, 12, 16 and 20
// digits. The text may have capitals, dashes in other places or none (as libvirt takes it), and
// braces around it (as Windows writes it). Nothing if the text is no UUID.
std::optional<std::string> parse_uuid(std::string_view text);

// What names a guest in a policy: a UUID in the spelling above, or the text as it is.
std::string normalize_guest_name(std::string_view text);

}  // namespace vnuma
