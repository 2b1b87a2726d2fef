// The terminal, by ncurses: keys in, pictures out. The only file with ncurses.
#pragma once

#include <termios.h>

#include <memory>
#include <optional>

#include "src/ctl/top/grid.hpp"
#include "src/ctl/top/keys.hpp"

namespace vnuma::ctl::top {

// There is at most one at a time, on the thread that made it, and stdin and stdout must be the
// terminal. While it lives, LC_CTYPE is that of the environment. Its end leaves the terminal as it
// was. Signals are not its business: see Signals.
class Screen {
  public:
    // The variable NO_COLOR does the same as `no_color`.
    // Throws std::runtime_error if stdin or stdout is no terminal, or its type is not known.
    explicit Screen(bool no_color);
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    const Abilities& abilities() const { return abilities_; }
    Size size() const { return size_; }
    // Adapts to the size that the terminal has now. The next picture is drawn as a whole.
    Size resize();
    // Leaves the terminal as it was, until the next picture is drawn.
    void suspend();
    // The next key that was pressed. Does not wait: none if there is none that means anything.
    std::optional<KeyPress> read_key();
    // Draws the rows that differ from those drawn before.
    void draw(Grid grid);

  private:
    struct Curses;

    void start_curses(bool no_color);

    termios before_{};
    std::unique_ptr<Curses> curses_;
    Abilities abilities_;
    Size size_;
    std::optional<Grid> drawn_;
};

}  // namespace vnuma::ctl::top
