// Reading a text from its front, piece by piece. Pure; the text must outlive the reader.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vnuma::qmp {

class TextReader {
  public:
    explicit TextReader(std::string_view text) : rest_(text) {}

    bool empty() const { return rest_.empty(); }
    std::string_view rest() const { return rest_; }

    // Skips the expected text if it comes next; returns whether it does.
    bool skip(std::string_view expected) {
        if (!rest_.starts_with(expected)) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }

    // Reads up to the next `end` and skips it; nothing, and nothing is read, if there is none.
    std::optional<std::string_view> until(std::string_view end) {
        const std::size_t at = rest_.find(end);
        if (at == std::string_view::npos) return std::nullopt;
        const std::string_view found = rest_.substr(0, at);
        rest_.remove_prefix(at + end.size());
        return found;
    }

    // Reads a line and returns it without its end, "\r\n" or "\n". The last line may have no end.
    std::string_view line() {
        const std::string_view all = rest_;
        std::string_view found = until("\n").value_or(all);
        if (found.size() == all.size()) rest_ = {};
        if (found.ends_with('\r')) found.remove_suffix(1);
        return found;
    }

    // Reads the digits that come next; nothing if they are none or do not fit into T.
    template <typename T>
    std::optional<T> number(int base) {
        T value{};
        const char* end = rest_.data() + rest_.size();
        const auto [stop, error] = std::from_chars(rest_.data(), end, value, base);
        if (error != std::errc{}) return std::nullopt;
        rest_ = {stop, static_cast<std::size_t>(end - stop)};
        return value;
    }

    // Reads an address of exactly 16 hexadecimal digits, as "%016" PRIx64 prints it.
    std::optional<std::uint64_t> address() {
        constexpr std::size_t digits = 16;
        const std::size_t before = rest_.size();
        const auto value = number<std::uint64_t>(16);
        return before - rest_.size() == digits ? value : std::nullopt;
    }

  private:
    std::string_view rest_;
};

}  // namespace vnuma::qmp
