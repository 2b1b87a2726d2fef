// Which huge pages are too large to be moved: the kernel moves one in a single call, which nothing
// can interrupt. Pure.
#pragma once

#include <chrono>
#include <string>

#include "guests/model/sample.hpp"
#include "policy/model/types.hpp"

namespace vnuma {

// What a host copies in a second at the least, with nothing else to do.
inline constexpr Bytes assumed_copy_rate = 1024 * mib;
// A call may take longer than it should, but not by more than this factor. A call that does is
// slow.
inline constexpr int slow_call_factor = 4;

// Why pages of this size are not moved; empty if they are. `call_time`: how long a call should
// take.
std::string why_page_too_large(Bytes page_bytes, std::chrono::milliseconds call_time);

// Makes guests immovable at least half of whose RAM is of such pages, so that their vCPUs go to it.
void mark_large_pages(Sample& sample, std::chrono::milliseconds call_time);

}  // namespace vnuma
