#include "guests/discovery/qmp_schedule.hpp"

#include "guests/discovery/resync.hpp"

namespace vnuma {

std::optional<QmpDepth> QmpSchedule::choose_depth(const std::string& key, Time now,
                                                  const Guest& guest) {
    const auto is_over = [&](Time last, std::chrono::milliseconds length) {
        return resync_interval(key, now, length) != resync_interval(key, last, length);
    };
    if (!described_ || is_over(*described_, qmp_limits::full_resync)) return QmpDepth::description;
    if (guest.has_new_thread && hints_.is_due(now)) {
        hints_.fail(now);  // unless the description turns out to be another one
        return QmpDepth::description;
    }
    // Nothing but the answer tells that a guest was resumed, or that its migration has ended.
    if (guest.state != RunState::running) return QmpDepth::state;
    // A balloon and memory that is plugged in take their time, and have no thread that would show.
    if (settling_ && is_over(*described_, qmp_limits::resync)) return QmpDepth::description;
    if (!is_over(told_, qmp_limits::resync)) return std::nullopt;
    // Another QEMU may have the socket of a process that only made it.
    return guest.trusted ? QmpDepth::status : QmpDepth::description;
}

void QmpSchedule::note_description(Time now, bool changed) {
    told_ = now;
    described_ = now;
    settling_ = changed;
    if (changed) hints_.succeed();
}

}  // namespace vnuma
