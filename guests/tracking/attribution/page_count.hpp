// How many pages a process has mapped, which a round takes down and which may fault again.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vnuma {

struct PageCount {
    std::optional<std::uint64_t> pages;  // none if smaps_rollup cannot be read
    std::chrono::nanoseconds took{0};    // CPU time of this count
    std::chrono::nanoseconds cost{0};    // the same, with earlier counts that came too late
};

// Mapped pages according to the text of /proc/PID/smaps_rollup; none if this is no such text. A
// huge page counts once. The text does not tell the size of hugetlb pages, which is given in bytes.
// Pure.
std::optional<std::uint64_t> count_pages_of(std::string_view smaps_rollup,
                                            std::uint64_t hugetlb_page);

}  // namespace vnuma
