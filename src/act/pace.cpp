#include "src/act/pace.hpp"

#include <algorithm>

namespace vnuma {

using std::chrono::nanoseconds;

int next_batch(int batch, nanoseconds took, nanoseconds aim, BatchLimits limits) {
    if (took > aim * 2) return std::max(batch / 2, limits.least);
    if (took > aim) return std::max(batch * 3 / 4, limits.least);
    const auto fitting = took.count() > 0 ? aim.count() * batch / took.count() : limits.most;
    return static_cast<int>(std::clamp<std::int64_t>(fitting, limits.least,
                                                     std::min(batch + batch / 2 + 1, limits.most)));
}

nanoseconds rest_after(Bytes bytes, nanoseconds took, Bytes rate) {
    constexpr std::int64_t ns_per_ms = 1'000'000;
    const nanoseconds wanted(bytes * 1000 / std::max<Bytes>(rate, 1) * ns_per_ms);
    return std::max(wanted - took, took / least_rest_divisor);
}

}  // namespace vnuma
