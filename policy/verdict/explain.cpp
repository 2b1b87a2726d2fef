#include "policy/verdict/explain.hpp"

#include <algorithm>

namespace vnuma {
namespace {

std::string mebibytes(Bytes bytes) {
    return std::to_string(bytes / mib) + " MiB";
}

std::string seconds(Millis time) {
    return std::to_string(time / 1000 + (time % 1000 > 0 ? 1 : 0)) + " s";
}

class Explainer {
  public:
    Explainer(const Verdict& verdict, const Topology& topology)
        : verdict_(verdict),
          topology_(topology),
          home_(verdict.home.value_or(Home())),
          former_(home_.former.value_or(FormerHome())),
          what_(verdict.key.shard == CellKey::whole ? "the cell" : "the shard") {}

    std::string sentence() const {
        std::string text = verdict_.home ? with_home() + why_not_elsewhere() : without_home();
        if (verdict_.group_parted)
            text += "; its group belongs together, but no node has room for all of it";
        if (verdict_.unspread_vcpus > 0)
            text += "; " + std::to_string(verdict_.unspread_vcpus) +
                    " of its vCPUs may run on several isolated CPUs, over which the kernel does "
                    "not spread threads: each should be pinned to one of them";
        if (verdict_.home && !verdict_.acts)
            text += " (planned only: the mode of the guest's policy is not act)";
        return text;
    }

  private:
    std::string with_home() const {
        const std::string home = node(home_.node), former = node(former_.node);
        const std::string new_home = home + " becomes the new home of " + what_ + memory();
        switch (verdict_.reason) {
            case Reason::settled:
                return what_ + " is at home on " + home + memory() + left_away();
            case Reason::first_home:
                return home + " becomes the first home of " + what_ + memory() + moving();
            case Reason::better_home:
                return new_home + ": " +
                       (home_.former ? former_cost()
                                     : "that costs " + instead_of(home_.cost, roaming_cost()) +
                                           " without a home");
            case Reason::made_way:
                return new_home + " so that others gain more than it loses: " + former_cost();
            case Reason::relief:
                return new_home + " because " + former + " is " +
                       mebibytes(former_.above_watermark) +
                       " above its watermark: " + former_cost();
            case Reason::with_group:
                return what_ + " joins its group on " + home + memory() + moving() +
                       (home_.former ? ": " + former_cost() : "");
            case Reason::displaced:
                return new_home + " because " + former + " " + verdict_.detail + ": " +
                       former_cost();
            case Reason::retry_later:
                return what_ + " has " + home +
                       " as its home, but the last attempt to pin vCPUs or move memory failed; "
                       "the next one is in " +
                       seconds(verdict_.wait);
            case Reason::settling:
            case Reason::split:
            case Reason::unsteady:
            case Reason::off:
            case Reason::one_node:
            case Reason::not_allowed:
            case Reason::too_large:
            case Reason::no_room:
            case Reason::kept_apart:
            case Reason::roams:
                break;
        }
        return what_ + " is going home to " + home + memory() + still_to_do();
    }

    std::string without_home() const {
        switch (verdict_.reason) {
            case Reason::split:
                return "the cell fits no node as a whole and is placed in shards: " +
                       verdict_.detail;
            case Reason::unsteady:
                return "vnumad leaves the guest alone for now: " + verdict_.detail;
            case Reason::off:
                return "vnumad leaves the guest alone because the mode of its policy is off";
            case Reason::one_node:
                return "vnumad leaves the guest alone because the host has one NUMA node";
            case Reason::not_allowed:
                return what_ +
                       " has no home because its owner and its policy together allow no node that "
                       "could be one";
            case Reason::too_large:
                return what_ + " has no home because it is larger than any node it may use" +
                       how_large() + (verdict_.detail.empty() ? "" : ", and " + verdict_.detail);
            case Reason::roams:
                return what_ +
                       " has no home because it costs less on all CPUs that its owner lets it "
                       "use" +
                       why_not_at_home();
            case Reason::kept_apart:
                return what_ +
                       " has no home because its group is kept apart and has a guest on every node "
                       "it may use" +
                       (verdict_.alternative ? ": " + node(verdict_.alternative->node) + " has " +
                                                   verdict_.alternative->apart_from
                                             : "");
            case Reason::no_room:
            case Reason::settled:
            case Reason::settling:
            case Reason::first_home:
            case Reason::better_home:
            case Reason::made_way:
            case Reason::relief:
            case Reason::with_group:
            case Reason::displaced:
            case Reason::retry_later:
                break;
        }
        return what_ + " has no home because no node it may use has room for its memory" +
               (verdict_.alternative ? ": " + node(verdict_.alternative->node) +
                                           " comes nearest, with " + room_there()
                                     : "");
    }

    // The best node may cost less by now.
    std::string why_not_at_home() const {
        if (!verdict_.alternative) return "";
        const Alternative& best = *verdict_.alternative;
        const std::string cost = instead_of(best.cost.value_or(0), roaming_cost());
        std::string text = "; the best node, " + node(best.node) + ", would cost " + cost;
        if (best.lack == Lack::cores)
            return "; the best node, " + node(best.node) + ", has fewer cores than it uses CPUs";
        if (best.lack == Lack::cheaper) return text;
        if (verdict_.wait == 0) return text + ", which gains too little";
        return text +
               ", but the guest had a new home or gave one up recently, and stays without one for "
               "another " +
               seconds(verdict_.wait);
    }

    std::string why_not_elsewhere() const {
        if (verdict_.reason == Reason::retry_later) return "";
        if (!verdict_.alternative) return "; no other node is allowed and large enough";
        const Alternative& there = *verdict_.alternative;
        // The sentence has its cost already.
        if (home_.former && there.node == former_.node) return "";
        const std::string other = node(there.node);
        const std::string cost = instead_of(there.cost.value_or(0), home_.cost);
        switch (there.lack) {
            case Lack::allowed:
                return "; " + other + " is not allowed or not large enough";
            case Lack::memory:
                return "; " + other + " has no room for its memory: " + room_there();
            case Lack::apart:
                return "; " + other + " has " + there.apart_from +
                       ", which its group keeps apart from it";
            case Lack::cores:
                return "; " + other + " has fewer cores than it uses CPUs";
            case Lack::cheaper:
                return "; " + other + " would cost " + cost;
            case Lack::margin:
                return "; " + other + " would cost " + cost + ", which gains too little to move";
            case Lack::balance:
                return "; " + other + " would cost " + cost +
                       ", but only because it has slightly less CPU load, which is no reason to "
                       "move";
            case Lack::cool_down:
                return "; " + other + " would cost " + cost +
                       ", but the guest or its group moved recently and stays for another " +
                       seconds(verdict_.wait);
            case Lack::shards:
                return "; " + other + " would cost " + cost +
                       ", but other shards may replace this one: the next check is in " +
                       seconds(verdict_.wait);
            case Lack::changes:
                return "; " + other + " would cost " + cost +
                       ", but homes of the guest or its group changed too often in the last hour, "
                       "and it stays for another " +
                       seconds(verdict_.wait);
        }
        return "";
    }

    std::string node(NodeIndex index) const {
        return "node " + std::to_string(topology_.nodes[index].id);
    }
    // Where the memory is, if not at home.
    std::string memory() const {
        return home_.memory ? ", with its memory on " + node(*home_.memory) : "";
    }
    Cost roaming_cost() const { return verdict_.roaming_cost.value_or(0); }
    // Costs are lost CPU time over the horizon.
    static std::string instead_of(Cost cost, Cost other) {
        return std::to_string(cost) + " ms of CPU time instead of " + std::to_string(other) + " ms";
    }
    std::string former_cost() const {
        return "that costs " + instead_of(home_.cost, former_.cost) + " on " + node(former_.node);
    }
    std::string queue() const {
        return home_.queued_behind > 0
                   ? " after " + mebibytes(home_.queued_behind) + " of other moves"
                   : "";
    }
    std::string moving() const {
        return home_.to_move > 0
                   ? ", and " + mebibytes(home_.to_move) + " of its memory move there" + queue()
                   : "";
    }
    std::string still_to_do() const {
        return home_.to_move > 0
                   ? ": " + mebibytes(home_.to_move) + " of its memory are still to move" + queue()
                   : ": its vCPUs are not all pinned there yet";
    }
    std::string left_away() const {
        return home_.left_away > 0
                   ? ", and " + mebibytes(home_.left_away) +
                         " of its memory stay on other nodes because it accesses them too little"
                   : "";
    }
    std::string room_there() const {
        const Shortage shortage = verdict_.alternative->shortage.value_or(Shortage());
        return mebibytes(std::max<Bytes>(shortage.room, 0)) + " for " + mebibytes(shortage.wanted);
    }
    std::string how_large() const {
        if (!verdict_.alternative || !verdict_.alternative->shortage) return "";
        const NodeIndex nearest = verdict_.alternative->node;
        const Shortage& shortage = *verdict_.alternative->shortage;
        return " (it has " + std::to_string(shortage.cpus_wanted) + " vCPUs and " +
               mebibytes(shortage.wanted) + ", " + node(nearest) + " has " +
               std::to_string(topology_.nodes[nearest].cpus) + " CPUs and holds " +
               mebibytes(shortage.room) + ")";
    }

    const Verdict& verdict_;
    const Topology& topology_;
    const Home home_;
    const FormerHome former_;
    const std::string what_;
};

}  // namespace

std::string explain(const Verdict& verdict, const Topology& topology) {
    return Explainer(verdict, topology).sentence();
}

}  // namespace vnuma
