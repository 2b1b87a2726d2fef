// vnumactl plot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "src/ctl/context.hpp"

namespace vnuma::ctl {

struct PlotOptions {
    std::string file;    // a recording; empty: the daemon's history
    std::string output;  // empty: a name that follows from `file`; "-": standard output
    // How far back from the end of the recording, or from now. None: all that there is.
    std::optional<std::int64_t> since_ms;
};

// Writes a page of plots. Only the owner can read the page, since it names guests. The daemon is
// asked without a file only. Returns the exit status. Throws Failed, RecordingError and what a
// Connection throws.
int run_plot(Context& context, const PlotOptions& options);

}  // namespace vnuma::ctl
