#include "src/act/target_memory.hpp"

#include "guests/model/huge_pages.hpp"
#include "src/observe/host.hpp"

namespace vnuma {

TargetMemory::Room TargetMemory::read(const HostNode& node, Bytes hugetlb_page, Time now) {
    try {
        if (hugetlb_page == 0) return read_ordinary(node, now);
        const Bytes room = kernel_.read_unreserved_huge(node.id, hugetlb_page);
        if (room >= hugetlb_page) return {room};
        return {0, "node " + std::to_string(node.id) + " has no free page of " +
                       std::to_string(hugetlb_page / 1024) + " KiB that is not reserved"};
    } catch (const HostError& error) {
        return {0, error.what()};
    }
}

TargetMemory::Room TargetMemory::read_ordinary(const HostNode& node, Time now) {
    const Bytes ours = node.memory_total - max_used_memory(node, settings_);
    const Bytes kernels = high_watermark(node.id, now) * high_watermarks_kept;
    const Bytes room = kernel_.read_available(node.id) - std::max(ours, kernels);
    if (room >= transparent_huge_page_bytes) return {room};
    return {
        0, "node " + std::to_string(node.id) +
               (ours >= kernels ? " is at its watermark" : " is near the kernel's high watermark")};
}

Bytes TargetMemory::high_watermark(int node_id, Time now) {
    const auto [known, is_new] = watermarks_.try_emplace(node_id);
    if (is_new || now - known->second.read >= watermark_age)
        known->second = {kernel_.read_high_watermark(node_id), now};
    return known->second.bytes;
}

}  // namespace vnuma
