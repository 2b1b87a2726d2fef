// What the view can tell vnumad to do, and the questions that it asks before it does. Pure.
#pragma once

#include "src/ctl/top/model.hpp"

namespace vnuma::ctl::top {

Question ask_freeze(const control::Status& status);  // or to thaw, if it is frozen
Menu offer_policies(const control::GuestSummary& guest, const control::Status& status);

}  // namespace vnuma::ctl::top
