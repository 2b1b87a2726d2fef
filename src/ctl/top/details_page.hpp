// The page with everything of a guest. Pure.
#pragma once

#include "src/ctl/top/page.hpp"

namespace vnuma::ctl::top {

// What the report does not have, or has in another form than docs/report.md says, is left out.
void write_details(Page& page, const control::GuestDetails& details, int utc_offset_s);

}  // namespace vnuma::ctl::top
