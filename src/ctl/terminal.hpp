// What vnumactl writes to: its width, and what it can show.
#pragma once

#include <string>
#include <string_view>

namespace vnuma::ctl {

enum class Colour { none, bold, dim, red, green, yellow };

// Functions that format take it as a value, so that tests can choose any.
struct Terminal {
    int width = 0;  // columns; 0: this is no terminal, and nothing is cut or wrapped
    bool colour = false;
    bool utf8 = false;
    bool headers = true;             // of tables
    bool understands_codes = false;  // escape sequences, such as the one that clears it

    bool is_terminal() const { return width > 0; }
    // The text between the escape sequences for a colour, if there are colours.
    std::string paint(std::string_view text, Colour colour) const;
    // Text of others, such as a guest's name, as it may be shown: on one line, without control
    // characters; on a terminal only of characters that it can show.
    std::string plain(std::string_view text) const;
};

// Of a descriptor. Reads NO_COLOR, TERM and COLUMNS in the environment, and the locale, which
// setlocale() must have set.
Terminal find_terminal(int fd);

}  // namespace vnuma::ctl
