// Compares balancers on the same traces.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulator/balancer.hpp"
#include "tests/simulator/figures.hpp"
#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

// One of each kind: no balancing, first fit, numad, pinned by hand, vnumad. numad and vnumad are
// there twice: without and with advice on where guests start.
std::vector<std::unique_ptr<Balancer>> make_balancers(const Trace& trace);

struct Row {
    std::string trace, balancer;
    Figures figures;
};

// One row for each trace and balancer, summed over the seeds from 1 to `seeds`, followed by one row
// for each balancer over all traces.
std::vector<Row> compare(unsigned seeds);

}  // namespace vnuma::simulator
