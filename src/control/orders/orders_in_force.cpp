#include "src/control/orders/orders_in_force.hpp"

#include <algorithm>
#include <utility>

#include "policy/model/number_list.hpp"
#include "policy/verdict/explain.hpp"

namespace vnuma::control {
namespace {

using Stage = OrderNews::Stage;

std::string describe(const HomeOfCell& homes) {
    std::vector<int> nodes;
    for (const auto& [cell, node] : homes)
        nodes.push_back(node);
    const std::vector<int> unique = sorted_unique(nodes);
    if (unique.size() == 1) return "node " + std::to_string(unique.front());
    return "nodes " + format_number_list(nodes);
}

// Of all cells of the sample in their order. A cell that is empty has no home of its own and is
// never placed. Nothing if the guest has other cells than the order.
std::optional<std::vector<int>> homes_of(const GuestSample& guest, const HomeOfCell& homes) {
    std::size_t found = 0;
    std::vector<int> nodes;
    for (const CellSample& cell : guest.cells) {
        const auto home = homes.find(cell.id);
        if (home == homes.end() && !cell.vcpus.empty()) return std::nullopt;
        found += home == homes.end() ? 0 : 1;
        nodes.push_back(home == homes.end() ? homes.begin()->second : home->second);
    }
    if (found != homes.size()) return std::nullopt;
    return nodes;
}

// Why a guest with this policy cannot have these homes; empty if it can.
std::string why_contradicted(const GuestPolicy& policy, const std::vector<int>& homes) {
    if (policy.mode != Mode::act) return std::string("the guest's mode is ") + name(policy.mode);
    if (!policy.home.empty() && policy.home != homes)
        return "the guest's policy fixes its home on nodes " + format_number_list(policy.home);
    std::vector<int> nodes = sorted_unique(homes);
    const std::vector<int> others =
        policy.nodes ? remove_others(nodes, *policy.nodes) : std::vector<int>();
    if (others.empty()) return "";
    return "the guest's policy allows nodes " + format_number_list(*policy.nodes) + " only";
}

const GuestSample* find(const Sample& sample, const std::string& uuid) {
    const auto guest = std::find_if(sample.guests.begin(), sample.guests.end(),
                                    [&](const GuestSample& one) { return one.uuid == uuid; });
    return guest == sample.guests.end() ? nullptr : &*guest;
}

// Verdicts are sorted by key, so those of a guest are in a row.
std::pair<std::vector<Verdict>::const_iterator, std::vector<Verdict>::const_iterator> verdicts_of(
    const Plan& plan, const std::string& uuid) {
    const auto first = std::lower_bound(
        plan.verdicts.begin(), plan.verdicts.end(), uuid,
        [](const Verdict& verdict, const std::string& id) { return verdict.key.uuid < id; });
    const auto last = std::find_if(first, plan.verdicts.end(), [&](const Verdict& verdict) {
        return verdict.key.uuid != uuid;
    });
    return {first, last};
}

}  // namespace

void OrdersInForce::add(std::vector<Order> orders, Millis now, const std::string& why_not) {
    for (Order& order : orders)
        std::visit(
            [&](auto& one) {
                if (why_not.empty()) return add(std::move(one), now);
                std::string uuid;
                if constexpr (std::is_same_v<std::decay_t<decltype(one)>, OrderedMove>)
                    uuid = one.uuid;
                else
                    uuid = one.uuid.value_or("");
                tell(Stage::given_up, "", uuid,
                     "what " + one.who + " has ordered is not done: " + why_not);
            },
            order);
}

void OrdersInForce::add(OrderedMove order, Millis now) {
    const std::string uuid = order.uuid;
    if (order.homes.empty()) return;
    give_up(uuid, order.who + " has ordered another one");
    if (moves_.size() >= max_ordered_guests) {
        tell(Stage::given_up, "", uuid,
             "the move that " + order.who + " has ordered is not done: " +
                 std::to_string(max_ordered_guests) + " guests have orders already");
        return;
    }
    moves_[uuid] = {std::move(order), "", now + max_order_time, false};
}

void OrdersInForce::add(OrderedRestore order, Millis now) {
    Pending restore{order.who, "", "the guest could not be seen", now + max_order_time,
                    order.keeps_pins};
    if (!order.uuid) {
        freeze_ = true;
        restore_all_ = std::move(restore);
        return;
    }
    if (restores_.size() < max_ordered_guests)
        restores_[*order.uuid] = std::move(restore);
    else
        tell(Stage::given_up, "", *order.uuid,
             "the restore that " + order.who + " has ordered is not done: " +
                 std::to_string(max_ordered_guests) + " guests have orders already");
}

void OrdersInForce::note_frozen(const std::string& problem) {
    freeze_ = false;
    if (!restore_all_) return;
    tell(Stage::begun, "", "",
         restore_all_->who + " has ordered that all threads are given back to their owners, and " +
             (problem.empty() ? "vnumad is frozen" : "vnumad cannot be frozen: " + problem));
}

std::vector<OrdersInForce::Restore> OrdersInForce::to_restore(const Sample& sample, bool complete,
                                                              Millis now) {
    if (restore_all_) {
        for (const GuestSample& guest : sample.guests)
            restores_.try_emplace(guest.uuid, *restore_all_);
        // Guests that are missing from the sample come later, if at all.
        if (complete || now >= restore_all_->until) restore_all_.reset();
    }
    std::vector<Restore> due;
    for (auto next = restores_.begin(); next != restores_.end();) {
        const auto restore = next++;
        auto& [uuid, pending] = *restore;
        const GuestSample* guest = find(sample, uuid);
        if (guest) {
            pending.guest = guest->name;
            give_up(uuid, pending.who + " has ordered to leave the guest alone");
            due.push_back({uuid, pending.who, pending.keeps_pins});
        } else if (complete || now >= pending.until) {
            tell(Stage::given_up, pending.guest, uuid,
                 "the restore that " + pending.who + " has ordered has ended: " +
                     (complete ? "the guest is gone" : pending.problem));
            restores_.erase(restore);
        }
    }
    return due;
}

void OrdersInForce::note_restored(const std::string& uuid, const std::string& problem, Millis now) {
    const auto found = restores_.find(uuid);
    if (found == restores_.end()) return;
    Pending& restore = found->second;
    if (!problem.empty() && now < restore.until) {
        restore.problem = problem;
        return;
    }
    if (problem.empty())
        tell(Stage::done, restore.guest, uuid,
             (restore.keeps_pins
                  ? "it is left alone as it is, because "
                  : "its threads are given back to its owner, and it is left alone, because ") +
                 restore.who + " has ordered that");
    else
        tell(Stage::given_up, restore.guest, uuid,
             "some threads are not given back as " + restore.who + " has ordered: " + problem);
    restores_.erase(found);
}

void OrdersInForce::set_homes(const Sample& sample, bool complete, GuestPolicies& policies) {
    for (auto next = moves_.begin(); next != moves_.end();) {
        auto& [uuid, move] = *next++;  // give_up() erases it
        move.is_set = false;
        const GuestSample* guest = find(sample, uuid);
        const auto policy = policies.find(uuid);
        if (!guest || policy == policies.end()) {
            if (complete) give_up(std::string(uuid), "the guest is gone");
            continue;
        }
        const bool is_new = move.guest.empty();
        move.guest = guest->name;
        const auto homes = homes_of(*guest, move.order.homes);
        const std::string why =
            homes ? why_contradicted(policy->second, *homes) : "the guest has other cells now";
        if (!why.empty()) {
            give_up(std::string(uuid), why);
            continue;
        }
        if (is_new)
            tell(Stage::begun, move.guest, uuid,
                 move.order.who + " has ordered a move to " + describe(move.order.homes));
        move.is_set = policy->second.home.empty();
        policy->second.home = *homes;
    }
}

bool OrdersInForce::give_up_without_home(const Plan& plan, const Topology& topology,
                                         GuestPolicies& policies) {
    bool any = false;
    for (auto next = moves_.begin(); next != moves_.end();) {
        auto& [uuid, move] = *next++;  // give_up() erases it
        if (!move.is_set) continue;
        const auto [first, last] = verdicts_of(plan, uuid);
        // A guest that must not be disturbed may be moved later.
        const auto homeless = std::find_if(first, last, [](const Verdict& verdict) {
            return !verdict.home && verdict.reason != Reason::unsteady;
        });
        if (homeless == last) continue;
        policies.at(uuid).home.clear();
        give_up(std::string(uuid), explain(*homeless, topology));
        any = true;
    }
    return any;
}

void OrdersInForce::end_settled(const Plan& plan, const Topology& topology, Millis now) {
    for (auto next = moves_.begin(); next != moves_.end();) {
        const auto found = next++;
        const std::string& uuid = found->first;
        const Move& move = found->second;
        const auto [first, last] = verdicts_of(plan, uuid);
        const auto unsettled = std::find_if(first, last, [&](const Verdict& verdict) {
            const auto home = move.order.homes.find(verdict.key.cell);
            return verdict.reason != Reason::settled || home == move.order.homes.end() ||
                   topology.nodes[verdict.home->node].id != home->second;
        });
        if (first != last && unsettled == last) {
            tell(Stage::done, move.guest, uuid,
                 "the move to " + describe(move.order.homes) + " that " + move.order.who +
                     " has ordered is done");
            moves_.erase(found);
        } else if (now >= move.until) {
            const std::string state =
                first == last ? "the guest could not be seen" : explain(*unsettled, topology);
            give_up(std::string(uuid), "it has taken longer than " +
                                           std::to_string(max_order_time / 60'000) + " minutes; " +
                                           state);
        }
    }
}

void OrdersInForce::tell(Stage stage, const std::string& guest, const std::string& uuid,
                         std::string text) {
    news_.push_back({stage, guest, uuid, std::move(text)});
}

// Ends the guest's move, if there is one.
void OrdersInForce::give_up(const std::string& uuid, const std::string& why) {
    const auto found = moves_.find(uuid);
    if (found == moves_.end()) return;
    const Move move = std::move(found->second);
    moves_.erase(found);
    tell(Stage::given_up, move.guest, uuid,
         "the move to " + describe(move.order.homes) + " that " + move.order.who +
             " has ordered is given up: " + why);
}

}  // namespace vnuma::control
