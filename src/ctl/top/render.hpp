// Draws a model. Pure: the same model, size and abilities give the same picture.
#pragma once

#include "src/ctl/top/grid.hpp"
#include "src/ctl/top/model.hpp"

namespace vnuma::ctl::top {

// Of model.size, which may be as small as 0x0.
Grid render(const Model& model, const Abilities& abilities);

}  // namespace vnuma::ctl::top
