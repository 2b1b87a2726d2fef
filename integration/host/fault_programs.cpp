#include "integration/host/fault_programs.hpp"

#include <filesystem>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"

namespace vnuma::lab {
namespace {

constexpr const char* listing = "/run/lab/bpftool.log";
constexpr std::chrono::seconds bpftool_limit{30};

}  // namespace

std::string fault_programs() {
    std::filesystem::remove(listing);
    const pid_t bpftool =
        start_program({"bpftool", "prog", "show", "name", "count_fault"}, listing);
    wait_until(
        [&] { return !std::filesystem::exists("/proc/" + std::to_string(bpftool) + "/exe"); },
        bpftool_limit);
    end_program(bpftool, std::chrono::seconds(1));
    return read_text(listing);
}

}  // namespace vnuma::lab
