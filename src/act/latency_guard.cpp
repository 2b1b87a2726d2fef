#include "src/act/latency_guard.hpp"

#include <algorithm>

namespace vnuma {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

// Nothing if a vCPU has gone, or if too little time has passed to tell anything.
std::optional<LatencyGuard::Stretch> LatencyGuard::between(const Reading& from, const Reading& to) {
    const Stretch stretch{to.time - from.time, to.run - from.run, to.wait - from.wait,
                          to.stalled - from.stalled};
    if (stretch.elapsed < reading_interval || stretch.run.count() < 0 || stretch.wait.count() < 0)
        return std::nullopt;
    return stretch;
}

// Beyond what the guest waits without moves.
LatencyGuard::Duration LatencyGuard::longer_wait(const Stretch& stretch) const {
    const Duration before = *std::max_element(waits_.begin(), waits_.end());
    const Duration stalls = stretch.stalled - stretch.elapsed * usually_stalled_ / 1000;
    return stretch.wait - before * duration_cast<milliseconds>(stretch.elapsed).count() / 1000 +
           std::max(stalls, Duration(0));
}

// What may be felt in the stretch; in a short one, as much as in a whole window.
LatencyGuard::Duration LatencyGuard::felt_wait(const Stretch& stretch) const {
    const Duration length = std::max<Duration>(stretch.elapsed, window);
    const Duration least = length * least_felt.count() / window.count();
    return std::max(least, stretch.run * felt_ / 1000);
}

void LatencyGuard::add_look(const Reading& reading) {
    const auto stretch = look_ ? between(*look_, reading) : std::nullopt;
    look_ = reading;
    begin_.reset();
    if (stretch) {
        waits_.push_back(stretch->in_a_second(stretch->wait));
        if (waits_.size() > looks_remembered) waits_.pop_front();
        idle_ = is_idle(*stretch);
        if (idle_) finish();
    }
    if (!paused_until_) return;
    if (stretch && longer_wait(worst_) <= felt_wait(worst_)) {
        // The guest waits as long in the pause: it was something else that it felt.
        --pauses_;
        slowdown_ = 1;
        paused_until_.reset();
    } else if (reading.time >= *paused_until_) {
        paused_until_.reset();
    }
}

void LatencyGuard::add_moving(const Reading& reading) {
    if (last_ == Time() || reading.time - last_ >= unmoved)
        usually_stalled_ = reading.usually_stalled;
    look_.reset();
    last_ = reading.time;
    if (!begin_) begin_ = reading;
    if (reading.wait < begin_->wait || reading.run < begin_->run) begin_ = reading;
    if (waits_.empty()) return;  // nothing to compare with
    if (const auto stretch = between(*begin_, reading)) judge(*stretch, reading.time);
    if (begin_ && reading.time - begin_->time >= window) begin_ = reading;
}

bool LatencyGuard::is_idle(const Stretch& stretch) {
    return stretch.in_a_second(stretch.run + stretch.wait) < idle_time;
}

void LatencyGuard::judge(const Stretch& stretch, Time now) {
    // One that is not idle, and runs little now, does not get a CPU.
    if (idle_ && stretch.in_a_second(stretch.run) < idle_time) return;
    const Duration longer = longer_wait(stretch), felt = felt_wait(stretch);
    if (longer > felt) worst_ = stretch;
    const bool whole = stretch.elapsed >= window;
    if (longer > 2 * felt || (whole && longer > felt && slowdown_ == most_slowdown))
        pause(now);
    else if (whole)
        slowdown_ = longer > felt ? slowdown_ * 2 : std::max(slowdown_ / 2, 1);
}

void LatencyGuard::pause(Time now) {
    begin_.reset();
    slowdown_ = slowdown_after_pause;
    stays_ = pauses_ == most_pauses;
    if (stays_) return;
    paused_until_ = now + first_pause * (1 << pauses_);
    ++pauses_;
}

void LatencyGuard::finish() {
    slowdown_ = 1;
    pauses_ = 0;
    stays_ = false;
    paused_until_.reset();
}

LatencyGuard::Pace LatencyGuard::pace(Time now) const {
    if (stays_) return Pace::stays;
    if (paused_until_ && now < *paused_until_) return Pace::paused;
    return slowdown_ > 1 ? Pace::slower : Pace::full;
}

std::string LatencyGuard::describe(Time now) const {
    const Pace pace = this->pace(now);
    if (pace == Pace::full) return "";
    const auto longer = duration_cast<milliseconds>(worst_.in_a_second(longer_wait(worst_)));
    const std::string felt = "its vCPUs wait " +
                             std::to_string(std::max(longer, milliseconds(0)).count()) +
                             " ms a second longer while its memory moves";
    if (pace == Pace::stays)
        return felt + ", so the rest stays where it is until the guest is idle";
    if (pace == Pace::slower)
        return felt + ", so the move is " + std::to_string(slowdown_) + " times slower";
    const auto left = std::chrono::ceil<seconds>(*paused_until_ - now);
    return felt + ", so the move goes on in " + std::to_string(left.count()) + " s";
}

}  // namespace vnuma
