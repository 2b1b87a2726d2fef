// What is measured of a balancer on a trace.
#pragma once

#include "policy/model/types.hpp"

namespace vnuma::simulator {

using CpuTime = std::int64_t;  // milli-CPU x milliseconds

struct Figures {
    CpuTime run = 0;                // CPU time of all vCPUs
    CpuTime remote = 0;             // the same, weighted by the share of remote accesses
    CpuTime contention = 0;         // demand for CPUs above the capacity of nodes
    Bytes moved = 0;                // memory
    std::int64_t home_changes = 0;  // first homes do not count
    Millis guest_time = 0;          // sum of the guests' lifetimes

    Figures& operator+=(const Figures& other) {
        run += other.run;
        remote += other.remote;
        contention += other.contention;
        moved += other.moved;
        home_changes += other.home_changes;
        guest_time += other.guest_time;
        return *this;
    }
    friend bool operator==(const Figures&, const Figures&) = default;
};

inline double remote_share(const Figures& figures) {
    return figures.run == 0
               ? 0
               : static_cast<double>(figures.remote) / static_cast<double>(figures.run);
}

}  // namespace vnuma::simulator
