#include "src/act/failing_ranges.hpp"

#include <algorithm>

namespace vnuma {
namespace {
constexpr int max_counted = 16;  // failures; far fewer reach the longest wait
}  // namespace

void FailingRanges::add(std::uint64_t address, bool stands_for_all, Time now) {
    const std::uint64_t key = address / range_bytes_;
    const auto known = ranges_.find(key);
    if (known == ranges_.end() && ranges_.size() >= max_ranges) return;
    Range& range = known == ranges_.end() ? ranges_[key] : known->second;
    // The other pages of a call in which it failed are no further failures.
    if (now < range.until) return;
    if (!stands_for_all && ++range.busy_pages <= most_busy_pages) return;
    range.until = now + std::min(first_wait * (1 << range.failures), longest_wait);
    range.failures = std::min(range.failures + 1, max_counted);
    range.busy_pages = 0;
}

bool FailingRanges::waits(std::uint64_t address, Time now) const {
    const auto known = ranges_.find(address / range_bytes_);
    return known != ranges_.end() && now < known->second.until;
}

bool FailingRanges::has_failed(std::uint64_t address) const {
    const auto known = ranges_.find(address / range_bytes_);
    return known != ranges_.end() && known->second.failures > 0;
}

FailingRanges::Waiting FailingRanges::waiting(Time now) const {
    Waiting all;
    for (const auto& [key, range] : ranges_) {
        if (now >= range.until) continue;
        all.bytes += static_cast<Bytes>(range_bytes_);
        all.until = std::min(all.until, range.until);
    }
    return all;
}

}  // namespace vnuma
