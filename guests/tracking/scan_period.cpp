#include "guests/tracking/scan_period.hpp"

namespace vnuma {

void ScanPeriod::learn(int agreement, bool well_placed) {
    if (agreement < disagreeing)
        length_ = limits_.least;
    else if (well_placed || agreement >= agreeing)
        length_ = std::min(length_ * 2, limits_.most);
}

}  // namespace vnuma
