// How far placements are from the optimum, which is found by trying all placements.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <limits>

#include "policy/search/search.hpp"
#include "tests/policy/hard_hosts.hpp"
#include "tests/policy/random_homes.hpp"
#include "tests/repeats.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const unsigned hosts = test::cases(200, 1'000);
// A hundredth of a CPU over the horizon. Optimal costs below it count as this, since a small
// difference would be many per cent of them.
constexpr Cost min_optimum = 600;

// Whether each unit can be at its home, given the homes of all others. While the placement is built
// up, nodes may be overfull.
bool is_possible(Placement& placement) {
    for (std::size_t i = 0; i < placement.units().size(); ++i) {
        const Place home = placement.home(i);
        if (!home) continue;
        placement.put(i, roaming);
        const bool possible = placement.feasibility(i, *home) == Placement::Feasibility::feasible;
        placement.put(i, home);
        if (!possible) return false;
    }
    return true;
}

// Whether all units from `index` on can have homes at once.
bool can_all_have_homes(Placement& placement, std::size_t index = 0) {
    if (index == placement.units().size()) return is_possible(placement);
    bool can = false;
    for (std::size_t n = 0; n < placement.node_count() && !can; ++n) {
        if (!placement.units()[index].fits.contains(NodeIndex(n))) continue;
        placement.put(index, NodeIndex(n));
        can = can_all_have_homes(placement, index + 1);
    }
    placement.put(index, roaming);
    return can;
}

// The lowest cost of all placements of the units from `index` on, homes or none, or `best` if that
// is lower. These units are off the host, and each only adds to the cost.
Cost optimal_cost(Placement& placement, std::size_t index, Cost best) {
    if (placement.total() >= best) return best;
    if (index == placement.units().size()) return is_possible(placement) ? placement.total() : best;
    for (std::size_t n = 0; n < placement.node_count(); ++n) {
        if (!placement.units()[index].fits.contains(NodeIndex(n))) continue;
        placement.put(index, NodeIndex(n));
        best = optimal_cost(placement, index + 1, best);
    }
    placement.put(index, roaming);
    best = optimal_cost(placement, index + 1, best);
    placement.take_off(index);
    return best;
}

// How much the costs of the placements found on many hosts are above the optimum.
struct Distance {
    double sum = 0, worst = 0;  // per cent
    unsigned compared = 0, optimal = 0, above_ten = 0, some_roam = 0;

    void print(const char* what) const {
        std::cout << what << ": " << compared << " hosts, " << optimal << " optimal, "
                  << sum / compared << " % above the optimum on average, " << worst
                  << " % at worst; on " << some_roam << " some guest roams\n";
    }
};

// Skips hosts on which no placement has a home for every unit.
void compare(const Snapshot& host, const History& homes, const PlannerSettings& settings,
             unsigned seed, Distance& distance) {
    const Units chosen = choose_units(host, homes, settings);
    Placement all = placement_of(host, settings, chosen);
    if (!can_all_have_homes(all)) return;
    for (std::size_t i = 0; i < all.units().size(); ++i)
        all.take_off(i);
    const Cost best = optimal_cost(all, 0, std::numeric_limits<Cost>::max());
    Placement found = placement_of(host, settings, chosen);
    search(found);
    bool any_roams = false;
    for (std::size_t i = 0; i < found.units().size(); ++i)
        any_roams |= !found.home(i);
    distance.some_roam += any_roams ? 1 : 0;
    ASSERT_GE(found.total(), best) << "seed " << seed;
    const double above = 100.0 * static_cast<double>(found.total() - best) /
                         static_cast<double>(std::max(best, min_optimum));
    distance.above_ten += above > 10 ? 1 : 0;
    distance.sum += above, distance.worst = std::max(distance.worst, above);
    ++distance.compared, distance.optimal += found.total() == best ? 1 : 0;
}

TEST(Optimality, FirstHomesAreWithinTwoPerCentOnAverageAndTenAtWorst) {
    Distance distance;
    for (unsigned seed = 0; seed < hosts; ++seed) {
        std::mt19937 random(seed);
        compare(random_snapshot(random), {}, PlannerSettings(), seed, distance);
    }
    distance.print("ordinary hosts");
    EXPECT_GE(distance.compared, hosts * 9 / 10);
    EXPECT_LE(distance.sum / distance.compared, 2);
    EXPECT_LE(distance.worst, 10);
}

TEST(Optimality, FirstHomesOnHardHostsAreWithinTwoPerCentOnAverageAndTenAtWorst) {
    Distance distance;
    for (unsigned seed = 0; distance.compared < hosts && seed < 4 * hosts; ++seed) {
        std::mt19937 random(seed);
        compare(HardHost(random).make(), {}, PlannerSettings(), seed, distance);
    }
    distance.print("hard hosts");
    EXPECT_EQ(distance.compared, hosts);
    EXPECT_LE(distance.sum / distance.compared, 2);
    EXPECT_LE(distance.worst, 10);
}

// Every gain counts, and there is no cool-down.
const PlannerSettings free_to_move = [] {
    PlannerSettings settings;
    settings.margin = 0;
    settings.cool_down = 0;
    settings.imbalance = 0;
    return settings;
}();

void compare_from_homes(const Snapshot& host, std::mt19937& random, unsigned seed,
                        Distance& distance) {
    if (const auto homes = random_homes(host, free_to_move, random))
        compare(host, *homes, free_to_move, seed, distance);
}

TEST(Optimality, NewHomesWithoutMarginAndCoolDownAreWithinTwoPerCentOnAverage) {
    Distance ordinary, hard;
    for (unsigned seed = 0; ordinary.compared < hosts && seed < 4 * hosts; ++seed) {
        std::mt19937 random(seed);
        compare_from_homes(random_snapshot(random), random, seed, ordinary);
    }
    for (unsigned seed = 0; hard.compared < hosts && seed < 4 * hosts; ++seed) {
        std::mt19937 random(seed);
        compare_from_homes(HardHost(random).make(), random, seed, hard);
    }
    for (const auto& [what, distance] :
         {std::pair("ordinary hosts, from homes", &ordinary), {"hard hosts, from homes", &hard}}) {
        distance->print(what);
        EXPECT_EQ(distance->compared, hosts);
        EXPECT_LE(distance->sum / distance->compared, 2);
        EXPECT_LE(distance->above_ten, 20U) << "most of these gains are below the noise threshold";
    }
}

}  // namespace
}  // namespace vnuma
