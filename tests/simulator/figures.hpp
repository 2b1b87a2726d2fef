// What is measured of a balancer on a trace.
#pragma once

#include "policy/model/types.hpp"

namespace vnuma::simulator {

using CpuTime = std::int64_t;  // milli-CPU x milliseconds

struct Figures {
    CpuTime run = 0;         // CPU time that vCPUs got
    CpuTime remote = 0;      // of it, the share of accesses to another node's memory
    CpuTime contention = 0;  // demand for CPUs above what a node has
    Bytes moved = 0;
    std::int64_t home_changes = 0;  // the first home is none
    Millis guest_time = 0;          // of all guests together

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
