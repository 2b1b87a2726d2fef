#include "integration/host/vnumactl.hpp"

#include <filesystem>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"

namespace vnuma::lab {

std::string vnumactl_program() {
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    return here.parent_path() / "src/vnumactl";
}

nlohmann::json Answer::json() const {
    auto value = nlohmann::json::parse(output, nullptr, false);
    return value.is_discarded() ? nlohmann::json(nullptr) : value;
}

Answer vnumactl(const std::vector<std::string>& arguments) {
    const std::string log = "/run/lab/vnumactl.log";
    write_text(log, "");
    std::vector<std::string> argv{vnumactl_program()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const int status = run_program(argv, log);
    return {status, read_text(log)};
}

}  // namespace vnuma::lab
