// The huge pages that a guest's RAM consists of. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "guests/model/ram.hpp"

namespace vnuma {

// Size of a transparent huge page on x86-64, bytes.
inline constexpr std::int64_t transparent_huge_page_bytes = std::int64_t{2} << 20;

// Page size of the hugetlb pool that the blocks are allocated from, bytes: that of the first block
// with hugetlb pages. 0 if there is none.
std::int64_t hugetlb_pool_page_bytes(const std::vector<RamBlock>& blocks);

}  // namespace vnuma
