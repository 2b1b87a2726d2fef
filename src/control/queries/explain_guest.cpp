#include "src/control/queries/explain_guest.hpp"

#include <algorithm>
#include <utility>

#include "src/control/queries/explanation.hpp"
#include "src/control/queries/view_policy.hpp"
#include "src/control/queries/words.hpp"

namespace vnuma::control {

std::string Subject::node(NodeIndex one) const {
    return "node " + std::to_string(node_id(tick, one));
}

std::string Subject::what(const CellView& view) const {
    return view.is_shard() ? "the shard" : cells == 1 ? "the guest" : "the cell";
}

std::string Subject::policy_command(const std::string& settings) const {
    return "`vnumactl policy set " + command_name + " " + settings + "`";
}

const HandsOff* Subject::hands_off() const {
    const auto found = tick.hands_off.find(sample.uuid);
    return found == tick.hands_off.end() ? nullptr : &found->second;
}

bool Subject::is_ordered() const {
    return !state.policy.home.empty() && state.policy.home != traced.policy.home;
}

bool Subject::acts() const {
    return tick.mode == Mode::act && state.policy.mode == Mode::act;
}

namespace {

// Without repetitions, since a thing may be the reason for several others.
Sentences without_repetitions(const Sentences& sentences) {
    Sentences once;
    for (const std::string& one : sentences)
        if (!one.empty() && std::find(once.begin(), once.end(), one) == once.end())
            once.push_back(one);
    return once;
}

CellExplanation explain_cell(const Subject& subject, const CellView& view) {
    CellExplanation cell;
    cell.cell = view.sample->id;
    cell.shard = view.shard();
    cell.where_it_is = where_it_is(subject, view);
    cell.where_it_should_be = where_it_should_be(subject, view);
    cell.why = why_there(subject, view);
    cell.elsewhere = without_repetitions(why_not_elsewhere(subject, view));
    cell.in_the_way = without_repetitions(find_obstacles(subject, view));
    cell.could_change = advise(subject, view);
    return cell;
}

}  // namespace

Explanation explain_guest(const Tick& tick, std::size_t guest) {
    const Subject subject{tick,
                          guest,
                          tick.sample().guests.at(guest),
                          tick.snapshot.guests.at(guest),
                          trace_guest(tick, guest),
                          command_name(tick, guest),
                          tick.sample().guests.at(guest).cells.size()};
    Explanation explanation{subject.sample.name, subject.sample.uuid, describe_state(subject), {}};
    for (const CellView& view : cells_of(tick, guest))
        explanation.cells.push_back(explain_cell(subject, view));
    Sentences advice = advise_for_all(subject);
    if (explanation.cells.empty()) {
        explanation.guest.insert(explanation.guest.end(), advice.begin(), advice.end());
    } else {
        Sentences& first = explanation.cells.front().could_change;
        first.insert(first.begin(), advice.begin(), advice.end());
    }
    for (CellExplanation& cell : explanation.cells)
        cell.could_change = without_repetitions(cell.could_change);
    return explanation;
}

}  // namespace vnuma::control
