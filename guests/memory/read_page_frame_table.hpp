// What this host shows of its physical memory.
#pragma once

#include <optional>
#include <string>

#include "guests/memory/page_frame_table.hpp"

namespace vnuma {

// The host's table, or why there is none. The kernel's zero pages are not in it: a page that was
// read but never written is no memory of anybody's.
std::optional<PageFrameTable> read_page_frame_table(std::string& why);

// Why this process is not shown physical page numbers; empty if it is.
std::string probe_page_frames();

}  // namespace vnuma
