// The first process of a lab host, as a script for busybox.
#pragma once

namespace vnuma::lab {

extern const char* const init_script;

}  // namespace vnuma::lab
