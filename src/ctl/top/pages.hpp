// Views that are one long page: everything of a guest, its explanation, the host, the help. Pure.
#pragma once

#include "src/ctl/top/model.hpp"

namespace vnuma::ctl::top {

inline constexpr int max_page_rows = 8192;  // later ones are not shown

// The whole page of the shown view, which is none of overview and heat map. It has the width of the
// screen and as many rows as it needs.
Grid make_page(const Model& model, const Abilities& abilities);
int page_height(const Model& model);

}  // namespace vnuma::ctl::top
