#include "integration/scenarios/tracking_state.hpp"

#include <signal.h>

#include <filesystem>
#include <ostream>
#include <sstream>
#include <stdexcept>

#include "integration/host/daemon.hpp"
#include "integration/host/direct_guest.hpp"
#include "integration/host/fault_programs.hpp"
#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/host/workload_pattern.hpp"
#include "integration/scenarios/scenario_guests.hpp"
#include "integration/scenarios/tracking_report.hpp"

namespace vnuma::lab {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::chrono::seconds settle_limit{60};
const fs::path directory = "/sys/kernel/mm/damon/admin/kdamonds";

std::string first_line(const fs::path& file) {
    std::istringstream text(read_text(file));
    std::string line;
    std::getline(text, line);
    return line;
}

void print(std::ostream& out, const char* when) {
    const std::string programs = fault_programs();
    out << "== " << when
        << "\nbpftool prog show name count_fault: " << (programs.empty() ? "none\n" : programs)
        << "nr_kdamonds: " << first_line(directory / "nr_kdamonds") << "\n";
    for (int i = 0; fs::exists(directory / std::to_string(i)); ++i) {
        const fs::path kdamond = directory / std::to_string(i), context = kdamond / "contexts/0";
        out << "  " << i << ": state " << first_line(kdamond / "state") << ", pid "
            << first_line(kdamond / "pid") << ", operations " << first_line(context / "operations")
            << ", target " << first_line(context / "targets/0/pid_target") << ", regions "
            << first_line(context / "targets/0/regions/nr_regions") << ", mark "
            << first_line(context / "monitoring_attrs/intervals/update_us") << "\n";
    }
    out << std::flush;
}

bool is_scanning() {
    for (int i = 0; fs::exists(directory / std::to_string(i)); ++i)
        if (first_line(directory / std::to_string(i) / "state") == "on") return true;
    return false;
}

void wait_for_tracking(Daemon& vnumad, const std::string& guest) {
    const auto has_round = [&](const json& report) {
        const json seen = find_guest(report, guest);
        return !seen.is_null() && seen["tracking"]["attribution"]["rounds"] > 0;
    };
    if (vnumad.wait_for(has_round, settle_limit).is_null())
        throw std::runtime_error("vnumad has not completed a round of induced faults:\n" +
                                 vnumad.output());
}

}  // namespace

void print_tracking_state(std::ostream& out) {
    const std::string config = with_tracking(
        "mode = \"act\"\ninterval = \"1s\"\n" + std::string(qmp_config),
        "longest_stall = \"1min\"\noverhead = 0.3\nmin_period = \"2s\"\nmax_period = \"2s\"\n");
    DirectGuest guest(wider_than_a_node("wide"));
    guest.send(own_windows(guest.shape(), {0, 10}, Access::read));
    print(out, "before");
    {
        Daemon vnumad(config);
        wait_for_tracking(vnumad, guest.name());
        wait_until(is_scanning, settle_limit);
        print(out, "while vnumad tracks");
        wait_until(is_scanning, settle_limit);
        ::kill(vnumad.pid(), SIGKILL);
        vnumad.wait_for_end(settle_limit);
        print(out, "after kill -9");
    }
    Daemon vnumad(config);
    wait_for_tracking(vnumad, guest.name());
    print(out, "after vnumad was started again");
    vnumad.stop();
    print(out, "after vnumad was stopped");
}

}  // namespace vnuma::lab
