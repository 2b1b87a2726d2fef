// Guests and overrides for tests of the policy of a guest.
#pragma once

#include <string>
#include <vector>

#include "policy/resolve_policy.hpp"

namespace vnuma::test {

using Numbers = std::vector<int>;
using Problems = std::vector<std::string>;

inline const Numbers two_nodes{0, 1};
inline constexpr const char* uuid = "3caba501-6c1e-4c39-9f53-0d8f2f5f1a10";

inline PolicySources make_guest(std::size_t cells = 1) {
    PolicySources guest;
    guest.uuid = uuid;
    guest.name = "web";
    guest.cells = cells;
    return guest;
}

inline PolicySources with_metadata(PolicyOverrides overrides, std::size_t cells = 1) {
    PolicySources guest = make_guest(cells);
    guest.metadata = std::move(overrides);
    return guest;
}

inline PolicyOverrides mode_of(Mode mode) {
    PolicyOverrides overrides;
    overrides.mode = mode;
    return overrides;
}

inline PolicyOverrides nodes_of(Numbers nodes) {
    PolicyOverrides overrides;
    overrides.nodes = std::move(nodes);
    return overrides;
}

inline PolicyOverrides home_of(Numbers home) {
    PolicyOverrides overrides;
    overrides.home = std::move(home);
    return overrides;
}

inline PolicyOverrides priority_of(int priority) {
    PolicyOverrides overrides;
    overrides.priority = priority;
    return overrides;
}

inline PolicyOverrides in_group(std::string group) {
    PolicyOverrides overrides;
    overrides.group = std::move(group);
    return overrides;
}

}  // namespace vnuma::test
