#include "src/observe/page_size_limit.hpp"

namespace vnuma {

std::string why_page_too_large(Bytes page_bytes, std::chrono::milliseconds call_time) {
    const std::chrono::milliseconds takes(page_bytes * 1000 / assumed_copy_rate);
    const auto longest = call_time * slow_call_factor;
    if (takes <= longest) return "";
    return "a page of " + std::to_string(page_bytes / mib) + " MiB is moved in one call of about " +
           std::to_string(takes.count()) + " ms, and memory.call_time allows " +
           std::to_string(longest.count()) + " ms";
}

void mark_large_pages(Sample& sample, std::chrono::milliseconds call_time) {
    for (GuestSample& guest : sample.guests) {
        Bytes all = 0, large = 0;
        std::string why;
        for (const CellSample& cell : guest.cells)
            for (const RamBlock& block : cell.blocks) {
                const auto bytes = static_cast<Bytes>(block.host.size);
                const std::string too_large =
                    block.hugetlb ? why_page_too_large(block.page_bytes, call_time) : "";
                all += bytes;
                if (too_large.empty()) continue;
                large += bytes;
                why = too_large;
            }
        if (guest.immovable.empty() && large > 0 && large >= all / 2) guest.immovable = why;
    }
}

}  // namespace vnuma
