#include "guests/model/huge_pages.hpp"

#include <algorithm>

namespace vnuma {

std::int64_t hugetlb_pool_page_bytes(const std::vector<RamBlock>& blocks) {
    const auto block =
        std::find_if(blocks.begin(), blocks.end(), [](const RamBlock& one) { return one.hugetlb; });
    return block == blocks.end() ? 0 : block->page_bytes;
}

}  // namespace vnuma
