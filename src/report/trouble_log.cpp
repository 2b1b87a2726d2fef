#include "src/report/trouble_log.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace vnuma {
namespace {

// Why actions have to wait for a younger sample; empty when they do not.
std::string why_slow(const Tick& tick) {
    if (tick.look_time <= tick.interval) return "";
    std::size_t skipped = 0;
    for (const ActionResult& result : tick.results)
        skipped += result.skipped.empty() ? 0 : 1;
    return "it took " + std::to_string(tick.look_time.count()) + " ms of an interval of " +
           std::to_string(tick.interval.count()) + " ms, and " + std::to_string(skipped) + " of " +
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

std::vector<TroubleState> find_troubles(const Tick& tick) {
    using enum control::EventKind;
    std::vector<TroubleState> troubles{
        {trouble, "blind, so nothing is changed", "guests can be seen again", tick.blind},
        {trouble, "run-time policy rejected", "the run-time policy is in force again",
         tick.policy_problem}};
    // A blind tick does not look whether vnumad is frozen, nor at the guests.
    if (tick.look) {
        troubles.push_back(
            {mode_changed, "nothing is changed", "thawed: guests are balanced again", tick.frozen});
        troubles.push_back({trouble, "guests that are to be left alone are not all known",
                            "guests that are to be left alone are known again",
                            tick.hands_off_problem});
        troubles.push_back(
            {trouble, "not all guests are known", "all guests are known again", tick.list_problem});
        troubles.push_back(
            {trouble, "pages are located with move_pages, which takes more CPU time than pagemap",
             "pages are located with pagemap", tick.sample().pagemap_problem});
    }
    troubles.push_back({trouble, "reading the guests takes too long",
                        "reading the guests is fast enough again", why_slow(tick)});
    return troubles;
}

// Numbers in the text may change with every tick, the trouble is the same.
std::vector<TroubleChange> TroubleChanges::update(const Tick& tick) {
    std::vector<TroubleChange> changes;
    for (const TroubleState& state : find_troubles(tick)) {
        const bool over = state.why.empty();
        if (over && wrong_.erase(state.wrong) > 0)
            changes.push_back({state.kind, true, state.over});
        else if (!over && wrong_.insert(state.wrong).second)
            changes.push_back({state.kind, false, std::string(state.wrong) + ": " + state.why});
    }
    return changes;
}

void TroubleLog::update(const Tick& tick) {
    for (const TroubleChange& change : changes_.update(tick)) {
        if (change.over)
            spdlog::info("{}", change.text);
        else
            spdlog::warn("{}", change.text);
    }
}

}  // namespace vnuma
