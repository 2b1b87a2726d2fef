// How much to move in one call, and how long to rest after it. Pure.
#pragma once

#include <chrono>

#include "policy/model/types.hpp"

namespace vnuma {

struct BatchLimits {
    int least = 1;
    int most = 1;
};

// Pages of the next call, so that it takes about `aim`. A call that took more than twice as long
// halves the batch at once, while it grows by half at most: a long call hurts a guest, a short one
// only us.
int next_batch(int batch, std::chrono::nanoseconds took, std::chrono::nanoseconds aim,
               BatchLimits limits);

// A call is followed by a rest of at least this part of its time: moves take two thirds of the time
// at most.
inline constexpr int least_rest_divisor = 2;

// The rest after a call that tried to move `bytes` in `took`, so that the average is at most `rate`
// bytes a second. Calls that are slower than that have the
// least rest.
std::chrono::nanoseconds rest_after(Bytes bytes, std::chrono::nanoseconds took, Bytes rate);

}  // namespace vnuma
