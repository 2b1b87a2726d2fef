// What vnumad says of a tick: one JSON object, documented in docs/report.md.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "src/observe/host.hpp"
#include "src/report/tick.hpp"

namespace vnuma {

nlohmann::json make_report(const Tick& tick, const Host& host);

}  // namespace vnuma
