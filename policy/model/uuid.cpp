#include "policy/model/uuid.hpp"

#include <cstddef>

namespace vnuma {
namespace {

constexpr std::size_t uuid_digits = 32;

// The digit in small letters; 0 if it is none.
char hex_digit(char c) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) return c;
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : '\0';
}

bool is_behind_dash(std::size_t digits) {
    return digits == 8 || digits == 12 || digits == 16 || digits == 20;
}

}  // namespace

std::optional<std::string> parse_uuid(std::string_view text) {
    if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
    if (text.starts_with('-') || text.ends_with('-')) return std::nullopt;
    std::string uuid;
    std::size_t digits = 0;
    for (const char c : text) {
        if (c == '-') continue;
        const char digit = hex_digit(c);
        if (digit == '\0' || digits == uuid_digits) return std::nullopt;
        if (is_behind_dash(digits)) uuid += '-';
        uuid += digit;
        ++digits;
    }
    if (digits != uuid_digits) return std::nullopt;
    return uuid;
}

std::string normalize_guest_name(std::string_view text) {
    return parse_uuid(text).value_or(std::string(text));
}

}  // namespace vnuma
