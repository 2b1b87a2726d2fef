// Keys as the model knows them. Data only.
#pragma once

#include <array>

namespace vnuma::ctl::top {

enum class Key {
    character,
    up,
    down,
    page_up,
    page_down,
    home,
    end,
    enter,
    escape,
    backspace,
    tab
};

struct KeyPress {
    Key key = Key::character;
    char32_t character = 0;  // of Key::character only
};

struct KeyHelp {
    const char* keys;
    const char* does;   // for the help page
    const char* brief;  // for the last line of the screen; empty: not there
};

// In the order in which they are worth room in the last line.
inline constexpr std::array<KeyHelp, 15> key_help{{
    {"q", "Quit; Ctrl-C does the same.", "quit"},
    {"?", "This page.", "help"},
    {"Enter", "Everything known of the selected guest: cells, vCPUs, reasons, policy.", "details"},
    {"e", "Explain the selected guest: where it is, where it should be, and why.", "explain"},
    {"h", "Heat map of the selected guest's memory.", "heat"},
    {"s", "Sort guests by the next column.", "sort"},
    {"/", "Show guests only whose name, UUID or state contains a text.", "filter"},
    {"p", "Change mode or home of the selected guest; asks first.", "policy"},
    {"f", "Freeze vnumad, or thaw it; asks first.", "freeze"},
    {"n", "All nodes, trouble and other balancers of the host.", "host"},
    {"r", "Reverse the order of the guests.", ""},
    {"Tab", "In the heat map: by heat, by the memory's node, or by the accessing vCPU's home.", ""},
    {"Esc", "Back; in the list of guests: show all of them again.", ""},
    {"j k", "Down and up, as the arrow keys; Page Up, Page Down, Home and End work too.", ""},
    {"Ctrl-L", "Draw the whole screen again.", ""},
}};

}  // namespace vnuma::ctl::top
