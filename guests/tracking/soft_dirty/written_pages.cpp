#include "guests/tracking/soft_dirty/written_pages.hpp"

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/pagemap.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {
namespace {

// Whether the entries are those of a transparent huge page, or of pages that lie like one, which
// KVM may map together too.
bool is_huge_page(std::span<const std::uint64_t> entries) {
    const std::uint64_t first = entries.front() & pagemap_pfn;
    if (entries.size() != pages_in_chunk || first == 0 || first % pages_in_chunk != 0) return false;
    for (std::size_t i = 0; i < entries.size(); ++i)
        if ((entries[i] & pagemap_present) == 0 || (entries[i] & pagemap_pfn) != first + i)
            return false;
    return true;
}

}  // namespace

WrittenPages& WrittenPages::operator+=(const WrittenPages& other) {
    present += other.present;
    written += other.written;
    mappings += other.mappings;
    return *this;
}

WrittenPages count_written(std::span<const std::uint64_t> entries) {
    WrittenPages pages;
    if (entries.empty()) return pages;
    for (const std::uint64_t entry : entries) {
        const bool present = (entry & pagemap_present) != 0;
        pages.present += present ? 1 : 0;
        pages.written += present && (entry & pagemap_soft_dirty) != 0 ? 1 : 0;
    }
    pages.mappings = is_huge_page(entries) ? 1 : pages.present;
    return pages;
}

std::uint16_t level_of(const WrittenPages& pages) {
    if (pages.present == 0) return 0;
    return static_cast<std::uint16_t>((pages.written * max_level + pages.present - 1) /
                                      pages.present);
}

}  // namespace vnuma
