// `vnumactl top`: a full-screen live view.
#pragma once

#include <chrono>

#include "src/ctl/connection.hpp"

namespace vnuma::ctl {

struct TopOptions {
    std::chrono::milliseconds interval{1000};  // between two requests for the state
    bool no_color = false;                     // as with the variable NO_COLOR
};

// Runs until `q`, SIGINT, SIGTERM, SIGQUIT or SIGHUP. Returns the exit status. If vnumad ends or
// was never there, the view goes on trying. Throws std::runtime_error if there is no terminal for
// it.
int run_top(Connection& connection, const TopOptions& options);

}  // namespace vnuma::ctl
