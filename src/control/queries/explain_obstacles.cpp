// What keeps a cell from being where it should be.
#include <map>
#include <string_view>

#include "src/control/queries/explanation.hpp"
#include "src/control/queries/words.hpp"

namespace vnuma::control {
namespace {

// What a move has had to wait for, by its name in a report.
std::string limit_text(const std::string& limit) {
    static const std::map<std::string_view, const char*> texts{
        {"memory.rate", "Moves of all guests together are at the limit of memory.rate."},
        {"memory.guest_rate", "Moves of this guest are at the limit of memory.guest_rate."},
        {"memory.call_time",
         "Calls that move memory take longer than memory.call_time, or its huge pages are too "
         "large for one call of that length."},
        {"memory.felt", "The guest feels that its memory moves, by more than memory.felt allows."},
        {"share of time", "Calls that move memory take two thirds of the time already."},
        {"memory pressure", "The host is short of memory, or swaps, so no memory moves for now."},
    };
    const auto known = texts.find(limit);
    return known == texts.end() ? "Its move waits for a limit: " + clause(limit) + "."
                                : known->second;
}

void add_results(const Subject& subject, const CellView& view, Sentences& obstacles) {
    const CellResults results = results_of(subject.tick, view.verdict->key);
    const auto add = [&](const ActionResult* result, const char* failed, const char* waits) {
        if (!result) return;
        if (!result->error.empty()) obstacles.push_back(sentence(failed + result->error));
        if (!result->skipped.empty()) obstacles.push_back(sentence(waits + result->skipped));
    };
    add(results.pin, "pinning its vCPUs failed: ", "its vCPUs wait to be pinned: ");
    add(results.move, "moving its memory failed: ", "its memory waits to be moved: ");
    if (!results.move) return;
    for (const std::string& limit : results.move->limits)
        obstacles.push_back(limit_text(limit));
}

void add_moves(const Subject& subject, const Home& home, Sentences& obstacles) {
    if (home.to_move <= 0) return;
    if (home.queued_behind > 0)
        obstacles.push_back("Other moves come first: " + size_text(home.queued_behind) + ".");
    const auto moves = subject.tick.moves.find(subject.sample.uuid);
    if (moves != subject.tick.moves.end() && !moves->second.felt.empty())
        obstacles.push_back(sentence("the guest feels its move: " + moves->second.felt));
}

void add_immovable(const Subject& subject, const CellView& view, Sentences& obstacles) {
    const HandsOff* left = subject.hands_off();
    const std::string begin = "its memory cannot be moved: ";
    const std::string& own = view.sample->immovable;
    if (!view.guest->immovable.empty())
        obstacles.push_back(sentence(begin + view.guest->immovable));
    else if (!own.empty())
        obstacles.push_back(sentence(begin + own));
    if (left && !left->memory.empty())
        obstacles.push_back(sentence("its memory is left where it is: " + left->memory));
    if (subject.state.policy.memory == MemoryPolicy::none)
        obstacles.emplace_back("Its policy lets no memory move (memory=none).");
    if (!view.sample->residency.forbidden.empty())
        obstacles.push_back(sentence("its owner's memory policy permits no home: " +
                                     view.sample->residency.forbidden));
}

// What ends by itself.
void add_wait(const Verdict& verdict, Sentences& obstacles) {
    if (verdict.wait <= 0) return;
    const std::string wait = time_text(verdict.wait);
    if (verdict.reason == Reason::retry_later) {
        obstacles.push_back("An action failed, and is repeated in " + wait +
                            ". Its error is in the log and in vnumad's events.");
        return;
    }
    if (verdict.reason == Reason::roams) {
        obstacles.push_back("It gets no home for another " + wait + ".");
        return;
    }
    if (verdict.alternative && verdict.alternative->lack == Lack::shards)
        obstacles.push_back("Its vCPUs are divided into shards anew in " + wait +
                            " at the earliest.");
    else
        obstacles.push_back("Its home may change in " + wait + " at the earliest.");
}

void add_vcpus(const Subject& subject, const Verdict& verdict, Sentences& obstacles) {
    if (verdict.unspread_vcpus > 0)
        obstacles.push_back("Of its vCPUs, " + std::to_string(verdict.unspread_vcpus) +
                            " may run on several isolated CPUs, over which the kernel does not "
                            "spread threads.");
    const HandsOff* left = subject.hands_off();
    if (verdict.home && left && !left->cpus.empty())
        obstacles.push_back(sentence("its vCPUs are not pinned by vnumad: " + left->cpus));
}

void add_whole_guest(const Subject& subject, const Verdict& verdict, Sentences& obstacles) {
    const bool needs_action = verdict.home && verdict.reason != Reason::settled;
    if (!needs_action) return;
    if (!subject.acts())
        obstacles.emplace_back(
            "This is a plan only: " +
            std::string(subject.tick.mode < Mode::act ? "the mode of vnumad is "
                                                      : "the mode of its policy is ") +
            name(subject.tick.mode < Mode::act ? subject.tick.mode : subject.state.policy.mode) +
            ", not act.");
    if (!subject.tick.frozen.empty()) obstacles.push_back(sentence(subject.tick.frozen));
}

}  // namespace

Sentences find_obstacles(const Subject& subject, const CellView& view) {
    Sentences obstacles;
    if (!view.cell || !view.verdict) return obstacles;
    const Verdict& verdict = *view.verdict;
    add_whole_guest(subject, verdict, obstacles);
    add_results(subject, view, obstacles);
    if (verdict.home) add_moves(subject, *verdict.home, obstacles);
    if (verdict.reason != Reason::off && verdict.reason != Reason::one_node)
        add_immovable(subject, view, obstacles);
    add_vcpus(subject, verdict, obstacles);
    add_wait(verdict, obstacles);
    return obstacles;
}

}  // namespace vnuma::control
