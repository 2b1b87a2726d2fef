// vnumactl, run as an operator runs it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vnuma::lab {

std::string vnumactl_program();

struct Answer {
    int status = -1;     // exit status
    std::string output;  // stdout and stderr

    // The output as JSON; null if it is none.
    nlohmann::json json() const;
};

// Runs vnumactl to its end, with the control socket of this host. Its output is no terminal.
Answer vnumactl(const std::vector<std::string>& arguments);

}  // namespace vnuma::lab
