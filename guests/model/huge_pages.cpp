#include "guests/model/huge_pages.hpp"

#include <algorithm>

namespace vnuma {

std::int64_t hugetlb_pool_page_bytes(const std::vector<RamBlock>& blocks) {
    const auto block =
        std::find_if(blocks.begin(), blocks.end(), [](const RamBlock& one) { return one.hugetlb; });
    return block == blocks.end() ? 0 : block->page_bytes;
}

std::int64_t uniform_huge_page_bytes(const std::vector<RamBlock>& blocks) {
    if (blocks.empty()) return transparent_huge_page_bytes;
    const std::int64_t bytes = blocks.front().page_bytes;
    const bool uniform = std::all_of(blocks.begin(), blocks.end(), [&](const RamBlock& block) {
        return block.hugetlb && block.page_bytes == bytes;
    });
    return uniform ? std::max(bytes, transparent_huge_page_bytes) : transparent_huge_page_bytes;
}

}  // namespace vnuma
