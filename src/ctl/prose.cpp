#include "src/ctl/prose.hpp"

#include <algorithm>

#include "src/ctl/plain_text.hpp"

namespace vnuma::ctl {
namespace {

// Narrower lines are hard to read; those of such a terminal overflow.
constexpr int least_line = 16;

}  // namespace

std::string paragraph(std::string_view text, const Terminal& terminal, std::string_view first) {
    const std::string plain = terminal.plain(text);
    if (!terminal.is_terminal()) return std::string(first) + plain + "\n";
    const int indent = width_of(first, terminal.utf8);
    std::string lines;
    std::string begin(first);
    for (const std::string& line :
         wrap_text(plain, std::max(least_line, terminal.width - indent), terminal.utf8)) {
        lines += begin + line + "\n";
        begin = std::string(static_cast<std::size_t>(indent), ' ');
    }
    return lines;
}

std::string heading(std::string_view text, const Terminal& terminal) {
    return terminal.paint(terminal.plain(text), Colour::bold) + "\n";
}

std::string count_of(long long count, const char* one, const char* many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string enumerate(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
    return text;
}

}  // namespace vnuma::ctl
