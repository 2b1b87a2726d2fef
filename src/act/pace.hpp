// How much to move at once and how long to rest: pure arithmetic on measured times.
#pragma once

#include <chrono>

#include "policy/model/types.hpp"

namespace vnuma {

struct BatchLimits {
    int least = 1;
    int most = 1;
};

// The next batch, so that a call takes about `aim`. Halves at once when a call took too long and
// grows by half at most: a long call hurts a guest, a short one only us.
int next_batch(int batch, std::chrono::nanoseconds took, std::chrono::nanoseconds aim,
               BatchLimits limits);

// The rest after `bytes` were moved in `took`, so that the average stays at `rate` bytes a second
// and calls that are slower than that take two thirds of the time at most.
std::chrono::nanoseconds rest_after(Bytes bytes, std::chrono::nanoseconds took, Bytes rate);

}  // namespace vnuma
