// Reads the page frame table of this host.
#pragma once

#include <optional>
#include <string>

#include "guests/memory/page_frame_table.hpp"

namespace vnuma {

// Reads the table from /proc/zoneinfo or from the memory blocks in sysfs. The kernel's zero pages
// are not in it: they back memory that was read but never written, which occupies no node. Nothing
// if there is no table; `why` is the reason then.
std::optional<PageFrameTable> read_page_frame_table(std::string& why);

// The reason why this process cannot read page frame numbers; empty if it can.
std::string probe_page_frames();

}  // namespace vnuma
