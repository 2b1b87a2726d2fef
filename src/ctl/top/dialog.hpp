// A question or a menu in a box, over what is drawn already. Pure.
#pragma once

#include "src/ctl/top/grid.hpp"
#include "src/ctl/top/model.hpp"

namespace vnuma::ctl::top {

// The text is shown in full on every screen of least_size, unless the name in it is very long: then
// its end is left out, but never the line that says which keys answer.
void draw_question(Grid& grid, const Question& question);
void draw_menu(Grid& grid, const Menu& menu);

}  // namespace vnuma::ctl::top
