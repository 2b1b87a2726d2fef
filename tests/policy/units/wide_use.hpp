// Access matrices for tests of shards.
#pragma once

#include <vector>

#include "policy/model/snapshot.hpp"

namespace vnuma::test {

// The accesses of each vCPU to each extent.
inline WideUse use_of(const std::vector<std::vector<std::uint32_t>>& accesses) {
    WideUse use;
    use.extents = accesses.front().size();
    for (const auto& row : accesses) {
        use.cpu_use.push_back(200);
        use.confined_to.emplace_back();
        use.own.emplace_back(2);
        use.accesses.insert(use.accesses.end(), row.begin(), row.end());
    }
    use.shared.assign(use.extents, std::vector<Bytes>(2));
    return use;
}

}  // namespace vnuma::test
