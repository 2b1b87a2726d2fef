// Traces that balancers are compared on.
#pragma once

#include <vector>

#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

// An hour each.
Trace steady_mix(unsigned seed);               // guests of all sizes, each with its own steady load
Trace phases(unsigned seed);                   // loads and hot memory that change every few minutes
Trace arrivals_and_departures(unsigned seed);  // guests that come for some minutes
Trace crowded_host(unsigned seed);             // more work than CPUs
Trace wide_guests(unsigned seed);              // several vNUMA cells, on nodes in a ring
Trace without_vnuma(unsigned seed);            // guests larger than a node that know of none
Trace nearly_full_host(unsigned seed);         // little memory left, and balloons that grow

// All of them.
std::vector<Trace> make_traces(unsigned seed);

}  // namespace vnuma::simulator
