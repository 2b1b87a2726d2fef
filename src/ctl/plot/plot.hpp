// vnumactl plot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace vnuma::ctl {

class Connection;

struct PlotOptions {
    std::string file;    // a recording; empty: the daemon's history
    std::string output;  // empty: a name that follows from `file`; "-": standard output
    // How far back from the end of the recording, or from now. None: all that there is.
    std::optional<std::int64_t> since_ms;
};

// Writes a page of plots, and its name to standard error. Only the owner can read the page, since
// it names guests. The connection is needed without a file only; its exceptions are passed on.
// Returns the exit status: 0, 1 if the page cannot be written, or 2 if the recording cannot be
// read.
int run_plot(const PlotOptions& options, Connection* connection);

}  // namespace vnuma::ctl
