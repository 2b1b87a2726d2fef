// What vnumad reports of a tick: one JSON object, documented in docs/report.md.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "src/report/tick.hpp"

namespace vnuma {

nlohmann::json make_report(const Tick& tick);

}  // namespace vnuma
