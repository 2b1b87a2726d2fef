#include "src/ctl/terminal.hpp"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "src/ctl/plain_text.hpp"

namespace vnuma::ctl {
namespace {

constexpr int usual_width = 80, most_width = 1000;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

int width_of_terminal(int fd) {
    winsize size{};
    int width = std::atoi(environment("COLUMNS").c_str());
    if (width <= 0 && ::ioctl(fd, TIOCGWINSZ, &size) == 0) width = size.ws_col;
    return width > 0 && width <= most_width ? width : usual_width;
}

const char* code_of(Colour colour) {
    switch (colour) {
        case Colour::none:
            return "";
        case Colour::bold:
            return "\033[1m";
        case Colour::dim:
            return "\033[2m";
        case Colour::red:
            return "\033[31m";
        case Colour::green:
            return "\033[32m";
        case Colour::yellow:
            return "\033[33m";
    }
    return "";
}

// Whoever reads a pipe knows best which characters it can show, so only those are replaced that
// would break a line, or change the terminal where it ends up.
std::string without_controls(std::string_view text) {
    std::string plain;
    plain.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool is_c1 = byte == 0xc2 && i + 1 < text.size() &&
                           static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                           static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (is_c1) ++i;
        plain += is_c1 || byte < 0x20 || byte == 0x7f ? '?' : text[i];
    }
    return plain;
}

}  // namespace

std::string Terminal::paint(std::string_view text, Colour wanted) const {
    if (!colour || wanted == Colour::none || text.empty()) return std::string(text);
    return code_of(wanted) + std::string(text) + "\033[0m";
}

std::string Terminal::plain(std::string_view text) const {
    if (!is_terminal()) return without_controls(text);
    std::string plain;
    while (!text.empty())
        append_utf8(plain, take_character(text, utf8));
    return plain;
}

Terminal find_terminal(int fd) {
    Terminal terminal;
    terminal.utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
    if (::isatty(fd) == 0) return terminal;
    terminal.width = width_of_terminal(fd);
    const std::string kind = environment("TERM");
    terminal.understands_codes = !kind.empty() && kind != "dumb";
    terminal.colour = terminal.understands_codes && environment("NO_COLOR").empty();
    return terminal;
}

}  // namespace vnuma::ctl
