// The traces on which balancers are compared.
#pragma once

#include <vector>

#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

// Each trace lasts an hour.
Trace steady_mix(unsigned seed);               // guests of all sizes, each with a steady load
Trace phases(unsigned seed);                   // load and hot memory change every few minutes
Trace arrivals_and_departures(unsigned seed);  // guests that stay for some minutes
Trace crowded_host(unsigned seed);             // more work than CPUs
Trace wide_guests(unsigned seed);              // guests of several cells, on nodes in a ring
Trace without_vnuma(unsigned seed);            // a guest without vNUMA that fits no node
Trace nearly_full_host(unsigned seed);         // little memory left, and guests that grow

// All these traces.
std::vector<Trace> make_traces(unsigned seed);

}  // namespace vnuma::simulator
