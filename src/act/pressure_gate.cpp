#include "src/act/pressure_gate.hpp"

namespace vnuma {

void PressureGate::update(const HostPressure& reading, Time now) {
    // What was swapped out since a reading long ago may have been long ago too.
    const bool is_recent = read_ && now - *read_ < calm_time;
    if (is_recent && last_.swapped_out && reading.swapped_out &&
        *reading.swapped_out > *last_.swapped_out)
        swapped_ = now;
    last_ = reading;
    read_ = now;
}

std::string PressureGate::why_closed(Time now) const {
    if (swapped_ && now - *swapped_ < calm_time)
        return "the host swaps; memory moves again when it has not for " +
               std::to_string(calm_time.count()) + " s";
    if (!last_.waiting || *last_.waiting <= most_waiting) return "";
    return "the host is short of memory: in " + std::to_string(*last_.waiting / 10) +
           " % of the last 10 s some task waited for it, and memory moves with up to " +
           std::to_string(most_waiting / 10) + " %";
}

}  // namespace vnuma
