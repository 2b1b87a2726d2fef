#include "guests/tracking/attribution/round_account.hpp"

namespace vnuma {

std::chrono::nanoseconds RoundAccount::add(const FaultSums& faults,
                                           std::chrono::nanoseconds fault_time) {
    if (open_) {
        faults_ += faults.all();
        reads_ += faults.reads;
        writes_ += faults.writes;
    }
    dropped_ += faults.dropped;
    const std::uint64_t charged = std::min(faults.all(), uncharged_pages_);
    uncharged_pages_ -= charged;
    const std::chrono::nanoseconds cost = static_cast<std::int64_t>(charged) * fault_time;
    cost_ += cost;
    return cost;
}

}  // namespace vnuma
