#include "integration/scenarios/scans_table.hpp"

#include <iomanip>
#include <ostream>
#include <sstream>
#include <stdexcept>

#include "integration/host/direct_guest.hpp"
#include "integration/scenarios/around_scans.hpp"
#include "integration/scenarios/guest_second.hpp"
#include "integration/scenarios/scenario_guests.hpp"
#include "integration/scenarios/tracked_guest.hpp"
#include "integration/scenarios/tracking_report.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr seconds warm_up{4};

// Leaves some seconds between scans, if the budget is large enough.
std::string config_for(const std::string& overhead) {
    return with_tracking("mode = \"advise\"\ninterval = \"1s\"\n" + std::string(qmp_config),
                         "heat = \"damon\"\nattribution = \"never\"\nmin_period = \"9s\"\n"
                         "max_period = \"9s\"\noverhead = " +
                             overhead + "\n",
                         false);
}

struct Run {
    std::vector<TrackedSecond> seconds{};
    double spent_ms = 0, earned_ms = 0;  // of the tracking budget, in the whole run
};

double budget_ms(const json& tracking, const char* key) {
    return tracking.at("budget").at(key).get<double>() / 1000;
}

Run run_scans(RunningGuest& guest, const std::string& overhead, seconds length) {
    TrackedGuest vnumad(guest, config_for(overhead));
    vnumad.at(vnumad.started() + warm_up);
    guest.skip_reports();
    const auto nothing = [] {};
    next_second(guest, nothing);  // this second had begun before
    const json before = vnumad.last().at("tracking");
    Run run;
    for (int i = 0; i < length.count(); ++i) {
        const GuestSecond second = next_second(guest, nothing);
        const json& heat = vnumad.last().at("tracking").at("heat");
        run.seconds.push_back(
            {second.accesses, second.stall_ms, heat.at("scans").get<std::uint64_t>()});
    }
    const json after = vnumad.last().at("tracking");
    run.spent_ms = budget_ms(after, "spent_us") - budget_ms(before, "spent_us");
    run.earned_ms = budget_ms(after, "earned_us") - budget_ms(before, "earned_us");
    return run;
}

// The mean and its standard error; "-" for fewer than two values.
std::string mean_of(const std::vector<double>& values, double unit, int decimals) {
    if (values.size() < 2) return "-";
    std::ostringstream text;
    text << std::fixed << std::setprecision(decimals) << spread_of(values).mean * unit << " ± "
         << uncertainty_of(values) * unit;
    return text.str();
}

void print_run(std::ostream& out, const std::string& guest, const Run& run, double overhead) {
    const double cpu_ms = run.earned_ms / overhead / static_cast<double>(run.seconds.size());
    const std::vector<double> lost = work_lost(run.seconds);
    const auto ended = static_cast<double>(run.seconds.back().scans - run.seconds.front().scans);
    out << "| " << guest << " | " << lost.size() << ": " << mean_of(lost, cpu_ms, 0) << " | "
        << (ended > 0 ? run.spent_ms / ended : 0) << " |";
    for (const Moment moment : {Moment::between, Moment::beginning, Moment::middle, Moment::end}) {
        const std::vector<double> stalls = stalls_in(run.seconds, moment);
        out << " " << stalls.size() << ": " << mean_of(stalls, 1, 1) << ", "
            << percentile_of(stalls, 90) << " |";
    }
    out << std::endl;
}

}  // namespace

void print_scans_table(std::ostream& out, const std::string& overhead, seconds length,
                       const std::string& guest_wanted) {
    if (!guest_wanted.empty() && guest_wanted != "thin" && guest_wanted != "wide")
        throw std::runtime_error(guest_wanted + ": the guest must be thin or wide");
    out << length.count()
        << " s each. ±: standard error. Work lost: number of scans, and the guest's CPU time lost "
           "by each.\nStalls: number of seconds, mean of the longest stall in each, and 90th "
           "percentile."
           "\n\n| guest | work lost by a scan, ms | charged for it, ms | stalls between scans, ms "
           "| at the beginning | in the middle | at the end |\n"
           "| --- | --- | --- | --- | --- | --- | --- |\n"
        << std::fixed << std::setprecision(0) << std::flush;
    for (const GuestShape& shape : {with_big_buffers("thin"), wider_than_a_node("wide")}) {
        if (!guest_wanted.empty() && shape.name != guest_wanted) continue;
        DirectGuest guest(shape);
        print_run(out, guest.name(), run_scans(guest, overhead, length), std::stod(overhead));
    }
}

}  // namespace vnuma::lab
