#include "tests/simulator/comparison.hpp"

#include <algorithm>

#include "tests/simulator/baselines.hpp"
#include "tests/simulator/numad.hpp"
#include "tests/simulator/pinned_by_hand.hpp"
#include "tests/simulator/planned.hpp"
#include "tests/simulator/simulation.hpp"
#include "tests/simulator/traces.hpp"

namespace vnuma::simulator {
namespace {

void add(std::vector<Row>& rows, const Row& more) {
    const auto known = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
        return row.trace == more.trace && row.balancer == more.balancer;
    });
    if (known == rows.end())
        rows.push_back(more);
    else
        known->figures += more.figures;
}

}  // namespace

std::vector<std::unique_ptr<Balancer>> make_balancers(const Trace& trace) {
    std::vector<std::unique_ptr<Balancer>> balancers;
    balancers.push_back(std::make_unique<NoBalancing>());
    balancers.push_back(std::make_unique<FirstFit>());
    balancers.push_back(std::make_unique<Numad>());
    balancers.push_back(std::make_unique<Numad>(true));
    balancers.push_back(std::make_unique<PinnedByHand>(trace));
    balancers.push_back(std::make_unique<Planned>());
    balancers.push_back(std::make_unique<Planned>(PlannerSettings(), true));
    return balancers;
}

std::vector<Row> compare(unsigned seeds) {
    std::vector<Row> rows, totals;
    for (unsigned seed = 1; seed <= seeds; ++seed)
        for (const Trace& trace : make_traces(seed))
            for (const auto& balancer : make_balancers(trace)) {
                const Row row{trace.name, balancer->name(), play(trace, *balancer)};
                add(rows, row);
                add(totals, {"all", row.balancer, row.figures});
            }
    rows.insert(rows.end(), totals.begin(), totals.end());
    return rows;
}

}  // namespace vnuma::simulator
