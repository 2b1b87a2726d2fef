// Why the planner has decided as it has.
#include "src/control/queries/explanation.hpp"
#include "src/control/queries/words.hpp"

namespace vnuma::control {
namespace {

constexpr const char* what_costs_are =
    " A cost is CPU time that it would lose within planner.horizon to remote memory, to crowded "
    "CPUs "
    "and to moving.";

class Why {
  public:
    Why(const Subject& subject, const CellView& view)
        : subject_(subject),
          view_(view),
          verdict_(*view.verdict),
          home_(verdict_.home.value_or(Home())),
          what_(subject.what(view)) {}

    std::string text() const {
        std::string text = verdict_.home ? with_home() : without_home();
        if (verdict_.group_parted)
            text += " Its group belongs together, but no node has room for all of it.";
        return text;
    }

  private:
    std::string with_home() const {
        const std::string home = subject_.node(home_.node);
        const std::string new_home = sentence_begin(home) + " becomes its new home";
        switch (verdict_.reason) {
            case Reason::settled:
                return "It is at home on " + home + ", and nothing is left to be done.";
            case Reason::first_home:
                return first_home(home);
            case Reason::better_home:
                if (!home_.former)
                    return new_home + " because it costs less there than without a home: " +
                           instead_of(verdict_.roaming_cost) + "." + what_costs_are;
                return new_home + " because it costs less there than on " + former() + ": " +
                       instead_of(former_cost()) + "." + what_costs_are;
            case Reason::made_way:
                return new_home + ". It costs more there than on " + former() + ", " +
                       instead_of(former_cost()) +
                       ", but other guests gain more than it loses by making way for them." +
                       what_costs_are;
            case Reason::relief:
                return new_home + " because " + former() + " is short of memory: " +
                       size_text(home_.former ? home_.former->above_watermark : 0) +
                       " more is in use there than memory.watermark allows.";
            case Reason::with_group:
                return "It joins its group, which has one home for all members, on " + home + ".";
            case Reason::displaced:
                return subject_.is_ordered() ? ordered(home)
                                             : new_home + " because " + former() + " " +
                                                   detail("cannot be its home any more") + ".";
            case Reason::retry_later:
                return "Its home is " + home +
                       ", but the last attempt to pin its vCPUs or to move its memory there "
                       "failed. "
                       "vnumad tries again in " +
                       time_text(verdict_.wait) + ".";
            default:
                return on_the_way(home);
        }
    }

    std::string first_home(const std::string& home) const {
        if (subject_.is_ordered()) return ordered(home);
        if (view_.cell->allowed.size() == 1)
            return "It is new to the planner, and " + home +
                   " is the only node that its owner and its policy allow.";
        return "It is new to the planner. For all guests together, " + home +
               " is the best first home for it: it costs " + cost_text(home_.cost) + " there." +
               what_costs_are;
    }

    std::string on_the_way(const std::string& home) const {
        const std::string begin = "It is on its way to " + home + ", its home: ";
        return home_.to_move > 0
                   ? begin + size_text(home_.to_move) + " of its memory is still to move."
                   : begin + "its vCPUs are not all pinned there yet.";
    }

    std::string without_home() const {
        switch (verdict_.reason) {
            case Reason::split:
                return "As a whole it is too large or too busy for any node it may use, so it is "
                       "placed in parts: " +
                       detail("its shards") + ".";
            case Reason::unsteady:
                return "vnumad leaves " + what_ +
                       " alone for now: " + detail("it must not be disturbed") + ".";
            case Reason::off:
                return "vnumad leaves " + what_ + " alone because the mode of its policy is off.";
            case Reason::one_node:
                return "The host has one NUMA node, so there is nothing to choose.";
            case Reason::not_allowed:
                return "Its owner and its policy together allow no node that could be its home.";
            case Reason::too_large:
                return "It is larger than any node that it may use" + size() +
                       (verdict_.detail.empty()
                            ? "."
                            : ". It cannot be placed in parts, because " + verdict_.detail + ".");
            case Reason::kept_apart:
                return "Its group is kept apart, and every node that it may use has another guest "
                       "of the group.";
            case Reason::roams:
                return roams();
            default:
                return "It is small enough for a node that it may use, but none has enough memory "
                       "left for it.";
        }
    }

    std::string roams() const {
        const std::string begin = "It costs less on all CPUs that its owner lets it use";
        if (!verdict_.alternative) return begin + " than at any home.";
        const Alternative& best = *verdict_.alternative;
        const std::string node = subject_.node(best.node);
        if (best.lack == Lack::cores)
            return begin + " than at any home: " + node +
                   ", the best one, has fewer cores than it uses CPUs, so that hardware threads "
                   "would share cores.";
        if (!best.cost || !verdict_.roaming_cost) return begin + " than at any home.";
        const std::string costs = node + ", the best home, would cost " +
                                  cost_text(*best.cost, *verdict_.roaming_cost) + " without a home";
        if (best.lack == Lack::cheaper) return begin + ": " + costs + "." + what_costs_are;
        std::string text = sentence(costs) + " ";
        text += verdict_.wait > 0
                    ? "It had a new home or gave one up recently, so it stays without "
                      "one for another " +
                          time_text(verdict_.wait) + "."
                    : "That is too little a gain to move for.";
        return text + what_costs_are;
    }

    std::string ordered(const std::string& home) const {
        return "An operator has ordered " + home + " as its home, once.";
    }
    std::string size() const {
        if (!verdict_.alternative || !verdict_.alternative->shortage) return "";
        const NodeIndex nearest = verdict_.alternative->node;
        const Shortage& shortage = *verdict_.alternative->shortage;
        return ": it has " + count_text(shortage.cpus_wanted, "vCPU") + " and " +
               size_text(shortage.wanted) + " of memory, while " + subject_.node(nearest) +
               ", which comes nearest, has " +
               count_text(subject_.tick.snapshot.topology.nodes.at(nearest).cpus, "CPU") +
               " and holds " + size_text(shortage.room);
    }
    std::string former() const {
        return home_.former ? subject_.node(home_.former->node) : "the former one";
    }
    std::optional<Cost> former_cost() const {
        return home_.former ? std::optional(home_.former->cost) : std::nullopt;
    }
    std::string instead_of(std::optional<Cost> other) const {
        return other ? cost_text(home_.cost, *other) : cost_text(home_.cost);
    }
    std::string detail(const char* unknown) const {
        return verdict_.detail.empty() ? unknown : clause(verdict_.detail);
    }
    static std::string sentence_begin(std::string text) {
        text = sentence(std::move(text));
        text.pop_back();
        return text;
    }

    const Subject& subject_;
    const CellView& view_;
    const Verdict& verdict_;
    const Home home_;
    const std::string what_;
};

}  // namespace

std::string why_there(const Subject& subject, const CellView& view) {
    if (!view.cell) return "A cell with neither vCPUs nor memory is not planned.";
    if (!view.verdict) return "The planner has not looked at it yet.";
    return Why(subject, view).text();
}

}  // namespace vnuma::control
