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

// Series of vCPUs, and of cells and shards, are left out beyond these numbers, which are those of
// all guests together: Prometheus pays for each. A cell has a series for each node, too.
inline constexpr std::size_t max_vcpu_series = 4096, max_cell_series = 4096;

// All families of one tick. `guests` and `status` are those of the tick. A family without series is
// there all the same, so that every name is always known.
std::vector<prometheus::MetricFamily> make_metrics(const Tick& tick, const control::Status& status,
                                                   const std::vector<control::GuestSummary>& guests,
                                                   const Totals& totals,
                                                   std::chrono::microseconds own_cpu_time);

// The same as text. Families without series are left out.
std::string to_text(std::vector<prometheus::MetricFamily> families);

}  // namespace vnuma
