// The selected guest and the scrolled rows of a model. Pure.
#pragma once

#include "src/ctl/top/model.hpp"

namespace vnuma::ctl::top {

// Row of the selected guest in Model::shown; 0 if it is not there.
std::size_t find_selected_row(const Model& model);
// Selects the guest of this row, or of the last one, and scrolls so that it can be seen.
void select_row(Model& model, std::size_t row);
// After guests, filter or order changed. The selected guest stays selected if it is still shown,
// else the one that has come to its former row is.
void list_again(Model& model, std::size_t former_row);
// Moves the selection, or scrolls the page. False for a key that does neither.
bool navigate(Model& model, Key key);

}  // namespace vnuma::ctl::top
