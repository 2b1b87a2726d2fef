// Completion for bash. Pure.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace vnuma::ctl {

// A script that completes verbs and options of the command line. Where a verb takes a guest, the
// script asks `vnumactl list` for names.
std::string bash_completion(const CLI::App& app);

}  // namespace vnuma::ctl
