// Mappings and domains for tests of RAM maps.
#pragma once

#include <cstdint>
#include <vector>

#include "guests/model/domain.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma::test {

inline constexpr std::uint64_t mib = 1 << 20;
inline constexpr std::uint64_t gib = 1 << 30;

inline Mapping mapping(std::uint64_t start_mib, std::uint64_t size_mib, bool writable = true) {
    return {start_mib * mib, (start_mib + size_mib) * mib, writable, false, ""};
}

inline Domain domain_of_cells(const std::vector<std::int64_t>& sizes_mib) {
    Domain domain;
    for (std::size_t i = 0; i < sizes_mib.size(); ++i)
        domain.cells.push_back({static_cast<int>(i),
                                {static_cast<int>(i)},
                                sizes_mib[i] * static_cast<std::int64_t>(mib)});
    return domain;
}

}  // namespace vnuma::test
