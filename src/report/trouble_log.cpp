#include "src/report/trouble_log.hpp"

#include <spdlog/spdlog.h>

namespace vnuma {
namespace {

// Why actions have to wait for a younger sample; empty when they do not.
std::string why_slow(const Tick& tick, std::chrono::milliseconds interval) {
    if (tick.look_time <= interval) return "";
    std::size_t skipped = 0;
    for (const ActionResult& result : tick.results)
        skipped += result.skipped.empty() ? 0 : 1;
    return "it took " + std::to_string(tick.look_time.count()) + " ms of an interval of " +
           std::to_string(interval.count()) + " ms, and " + std::to_string(skipped) + " of " +
           std::to_string(tick.results.size()) +
           " actions were left to a later tick; a longer interval or residency = \"sampled\" helps";
}

}  // namespace

void Trouble::update(const std::string& now) {
    // Numbers in the text may change with every tick, the trouble is the same.
    if (now.empty() == last_.empty()) {
        last_ = now;
        return;
    }
    if (now.empty())
        spdlog::info("{}", over_);
    else
        spdlog::warn("{}: {}", wrong_, now);
    last_ = now;
}

void TroubleLog::update(const Tick& tick, std::chrono::milliseconds interval) {
    blind_.update(tick.blind);
    run_time_policy_.update(tick.policy_problem);
    frozen_.update(tick.frozen);
    hands_off_.update(tick.hands_off_problem);
    if (tick.look) list_.update(tick.list_problem);
    if (tick.look) pagemap_.update(tick.sample().pagemap_problem);
    slow_.update(why_slow(tick, interval));
}

}  // namespace vnuma
