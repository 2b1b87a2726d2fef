#include "guests/tracking/attribution/page_count.hpp"

#include <algorithm>
#include <charconv>

#include "guests/process/parse_proc.hpp"

namespace vnuma {
namespace {

// 1 PiB: times stay far inside 64 bits.
constexpr std::uint64_t max_kib = std::uint64_t{1} << 40;
constexpr std::uint64_t small_page_kib = 4, huge_page_kib = 2048;

std::uint64_t kib_of(std::string_view text, std::string_view name) {
    std::uint64_t kib = 0;
    if (const auto field = find_status_field(text, name))
        std::from_chars(field->data(), field->data() + field->size(), kib);
    return std::min(kib, max_kib);
}

}  // namespace

std::optional<std::uint64_t> count_pages_of(std::string_view smaps_rollup,
                                            std::uint64_t hugetlb_page) {
    if (!find_status_field(smaps_rollup, "Rss")) return std::nullopt;
    std::uint64_t huge = 0;
    for (const char* name : {"AnonHugePages", "ShmemPmdMapped", "FilePmdMapped"})
        huge += kib_of(smaps_rollup, name);
    const std::uint64_t resident = kib_of(smaps_rollup, "Rss");
    const std::uint64_t hugetlb =
        kib_of(smaps_rollup, "Shared_Hugetlb") + kib_of(smaps_rollup, "Private_Hugetlb");
    return (resident - std::min(huge, resident)) / small_page_kib + huge / huge_page_kib +
           hugetlb / std::max(hugetlb_page / 1024, huge_page_kib);
}

}  // namespace vnuma
