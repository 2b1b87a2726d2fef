// `vnumactl place`: where a new guest should go.
#pragma once

#include <string>

#include "src/control/protocol/requests.hpp"
#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

// All are pure.
std::string format_place(const control::PlaceReply& reply, const Terminal& terminal);

// Elements of libvirt's domain XML for the guest that was asked for. The reply must have nodes.
std::string place_as_xml(const control::PlaceArguments& asked, const control::PlaceReply& reply);

}  // namespace vnuma::ctl
