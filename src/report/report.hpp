// What vnumad reports of a tick: one JSON object, documented in docs/report.md.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>

#include "src/report/tick.hpp"

namespace vnuma {

nlohmann::json make_report(const Tick& tick);

// One of its guests[], by its index in Tick::snapshot. The tick must not be blind.
nlohmann::json report_one_guest(const Tick& tick, std::size_t index);

}  // namespace vnuma
