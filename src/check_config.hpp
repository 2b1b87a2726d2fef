// What `vnumad --check-config` tells beside the values in effect.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "src/config/config.hpp"

namespace vnuma {

// Lists the guests that there are; may throw SourceError.
using ListGuests = std::function<std::vector<GuestIdentity>()>;

// A sentence for each section of the configuration that is no guest's, or one that says why that is
// not known. Lists the guests only if there is such a section at all.
std::vector<std::string> check_sections(const Config& config, const ListGuests& list);

}  // namespace vnuma
