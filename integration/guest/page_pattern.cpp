#include "integration/guest/page_pattern.hpp"

#include <cstddef>

namespace vnuma::workload {
namespace {

constexpr std::size_t words = page_bytes / sizeof(std::uint64_t);

// An odd factor gives each pass other words in all of the page.
std::uint64_t first_word(const volatile char* page, std::uint64_t pass) {
    constexpr std::uint64_t spread = 0x9e37'79b9'7f4a'7c15;
    return reinterpret_cast<std::uintptr_t>(page) + (pass + 1) * spread;
}

}  // namespace

void fill_page(volatile char* page, std::uint64_t pass) {
    auto* word = reinterpret_cast<volatile std::uint64_t*>(page);
    std::uint64_t value = first_word(page, pass);
    for (std::size_t i = 0; i < words; ++i)
        word[i] = value++;
}

bool is_filled(const volatile char* page, std::uint64_t pass) {
    const auto* word = reinterpret_cast<const volatile std::uint64_t*>(page);
    std::uint64_t value = first_word(page, pass), difference = 0;
    for (std::size_t i = 0; i < words; ++i)
        difference |= word[i] ^ value++;
    return difference == 0;
}

}  // namespace vnuma::workload
