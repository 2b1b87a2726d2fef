// The metrics that Prometheus collects, in its text format. Pure. contrib/grafana and
// contrib/prometheus use their names, and a test compares.
#pragma once

#include <prometheus/metric_family.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "src/control/protocol/status.hpp"
#include "src/metrics/totals.hpp"

namespace vnuma {

// Series of vCPUs are left out beyond this number, for all guests: Prometheus pays for each.
inline constexpr std::size_t max_vcpu_series = 4096;

// All families of one tick. `guests` and `status` are those of the tick. A family without series is
// there all the same, so that every name is always known.
std::vector<prometheus::MetricFamily> make_metrics(const Tick& tick, const control::Status& status,
                                                   const std::vector<control::GuestSummary>& guests,
                                                   const Totals& totals,
                                                   std::chrono::microseconds own_cpu_time);

// The same as text. Families without series are left out.
std::string to_text(std::vector<prometheus::MetricFamily> families);

}  // namespace vnuma
