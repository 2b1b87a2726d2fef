#include "src/ctl/top/screen.hpp"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Last, and without the macros that have the names of functions: clear(), move(), ...
#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1
#include <curses.h>

namespace vnuma::ctl::top {
namespace {

// How long ncurses waits for the rest of a key after Esc.
constexpr int escape_delay_ms = 25;
constexpr int max_width = 1000, max_height = 500;  // columns and rows that are drawn

// Keys of a burst that mean nothing are skipped, up to so many at once.
constexpr int max_skipped_keys = 64;

attr_t attributes_of(const Style& style) {
    attr_t attributes = A_NORMAL;
    if (style.bold) attributes |= A_BOLD;
    if (style.dim) attributes |= A_DIM;
    if (style.reverse) attributes |= A_REVERSE;
    return attributes;
}

std::optional<Key> translate(wint_t code) {
    switch (code) {
        case KEY_UP:
            return Key::up;
        case KEY_DOWN:
            return Key::down;
        case KEY_PPAGE:
            return Key::page_up;
        case KEY_NPAGE:
            return Key::page_down;
        case KEY_HOME:
            return Key::home;
        case KEY_END:
            return Key::end;
        case KEY_ENTER:
            return Key::enter;
        case KEY_BACKSPACE:
            return Key::backspace;
        default:
            return std::nullopt;
    }
}

KeyPress translate_character(wint_t character) {
    switch (character) {
        case L'\r':
        case L'\n':
            return {Key::enter};
        case 27:
            return {Key::escape};
        case 8:
        case 127:
            return {Key::backspace};
        case L'\t':
            return {Key::tab};
        default:
            return {Key::character, static_cast<char32_t>(character)};
    }
}

Size clamp_size(int width, int height) {
    return {std::clamp(width, 0, max_width), std::clamp(height, 0, max_height)};
}

}  // namespace

struct Screen::Curses {
    explicit Curses(SCREEN* terminal) : terminal(terminal) {}
    ~Curses() {
        leave();
        delscreen(terminal);
    }
    Curses(const Curses&) = delete;
    Curses& operator=(const Curses&) = delete;

    // A second time it would write over what the shell has written since.
    static void leave() {
        if (!isendwin()) endwin();
    }

    SCREEN* terminal;
};

Screen::Screen(bool no_color) {
    if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)
        throw std::runtime_error(
            "vnumactl top needs a terminal for its input and its output. Use `vnumactl status` or "
            "`vnumactl list` elsewhere");
    std::setlocale(LC_CTYPE, "");
    abilities_.utf8 = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
    tcgetattr(STDIN_FILENO, &before_);
    start_curses(no_color);
    size_ = resize();
}

void Screen::start_curses(bool no_color) {
    // initscr() would end the process where the type is not known.
    SCREEN* terminal = newterm(nullptr, stdout, stdin);
    if (terminal == nullptr) {
        const char* type = std::getenv("TERM");
        throw std::runtime_error("the terminal's type (TERM=" + std::string(type ? type : "") +
                                 ") is not known here. Set TERM to one that `toe -a` lists, such "
                                 "as xterm or vt100");
    }
    curses_ = std::make_unique<Curses>(terminal);
    set_term(terminal);
    cbreak();
    noecho();
    nonl();
    set_escdelay(escape_delay_ms);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    leaveok(stdscr, TRUE);
    curs_set(0);
    // https://no-color.org: any value but an empty one.
    const char* variable = std::getenv("NO_COLOR");
    const bool unwanted = no_color || (variable != nullptr && *variable != 0);
    abilities_.colour = !unwanted && has_colors();
    if (!abilities_.colour) return;
    start_color();
    const short background = use_default_colors() == OK ? -1 : COLOR_BLACK;
    constexpr std::array<short, colour_count> colors{
        -1, COLOR_RED, COLOR_GREEN, COLOR_YELLOW, COLOR_BLUE, COLOR_MAGENTA, COLOR_CYAN};
    for (short i = 1; i < colour_count; ++i)
        init_pair(i, colors[static_cast<std::size_t>(i)], background);
}

Screen::~Screen() {
    curs_set(1);
    curses_.reset();
    // endwin() has done this, unless something wrote to the terminal's settings in between.
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

Size Screen::resize() {
    winsize window{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0)
        resizeterm(window.ws_row, window.ws_col);
    size_ = clamp_size(getmaxx(stdscr), getmaxy(stdscr));
    drawn_.reset();
    clearok(stdscr, TRUE);
    return size_;
}

void Screen::suspend() {
    Curses::leave();
}

std::optional<KeyPress> Screen::read_key() {
    for (int i = 0; i < max_skipped_keys; ++i) {
        wint_t code = 0;
        const int kind = get_wch(&code);
        if (kind == ERR) return std::nullopt;
        if (kind != KEY_CODE_YES) return translate_character(code);
        if (const auto key = translate(code)) return KeyPress{*key};
    }
    return std::nullopt;
}

void Screen::draw(Grid grid) {
    const Size size = grid.size();
    std::vector<cchar_t> row;
    row.reserve(static_cast<std::size_t>(size.width));
    for (int y = 0; y < size.height; ++y) {
        if (drawn_ && drawn_->same_row(grid, y)) continue;
        row.clear();
        for (int x = 0; x < size.width; ++x) {
            const Cell& cell = grid.at(x, y);
            // ncurses adds the right half of a wide character itself.
            if (cell.character == 0) continue;
            const wchar_t text[2] = {static_cast<wchar_t>(cell.character), 0};
            const auto pair =
                static_cast<short>(abilities_.colour ? cell.style.colour : Colour::none);
            cchar_t drawn;
            setcchar(&drawn, text, attributes_of(cell.style), pair, nullptr);
            row.push_back(drawn);
        }
        mvadd_wchnstr(y, 0, row.data(), static_cast<int>(row.size()));
    }
    wrefresh(stdscr);
    drawn_ = std::move(grid);
}

}  // namespace vnuma::ctl::top
