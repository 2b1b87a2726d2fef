#include "integration/scenarios/overhead_table.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "integration/host/cpu_time.hpp"
#include "integration/host/direct_guest.hpp"
#include "integration/scenarios/guest_second.hpp"
#include "integration/scenarios/overhead.hpp"
#include "integration/scenarios/scenario_guests.hpp"
#include "integration/scenarios/tracked_guest.hpp"
#include "integration/scenarios/tracking_report.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

// From vnumad's start on; its own start costs too, and is not what is measured.
constexpr seconds warm_up{4};

double milliseconds_of(std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

Phase measure(RunningGuest& guest, TrackedGuest& vnumad, seconds length) {
    guest.skip_reports();
    KernelThreadTime kdamonds("kdamond.");
    const auto meanwhile = [&] { kdamonds.look(); };
    next_second(guest, meanwhile);  // has begun before
    const auto kdamonds_before = kdamonds.used();
    const auto daemon_before = cpu_time_of(vnumad.pid());
    Phase phase;
    double accesses = 0;
    std::vector<double> stalls_ms;
    std::vector<std::string> rounds;
    for (int second = 0; second < length.count(); ++second) {
        const GuestSecond work = next_second(guest, meanwhile);
        accesses += work.accesses;
        stalls_ms.push_back(work.stall_ms);
        const json& attribution = vnumad.last().at("tracking").at("attribution");
        rounds.push_back(attribution.at("rounds").dump() + attribution.at("stall_us").dump());
    }
    const auto count = static_cast<double>(length.count());
    phase.accesses_per_second = accesses / count;
    const std::vector<double> outside = outside_rounds(stalls_ms, rounds);
    phase.seconds_stall_ms = spread_of(outside).mean;
    for (const double stall_ms : outside)
        phase.longest_stall_ms = std::max(phase.longest_stall_ms, stall_ms);
    phase.daemon_ms_per_second = milliseconds_of(cpu_time_of(vnumad.pid()) - daemon_before) / count;
    phase.kdamond_ms_per_second = milliseconds_of(kdamonds.used() - kdamonds_before) / count;
    return phase;
}

struct Way {
    const char* name;
    std::string config;
    std::vector<Phase> phases{};
    json last{};  // what vnumad said of tracking at the end of the last phase
};

void run_phase(RunningGuest& guest, Way& way, seconds length) {
    TrackedGuest vnumad(guest, way.config);
    vnumad.at(vnumad.started() + warm_up);
    way.phases.push_back(measure(guest, vnumad, length));
    way.last = vnumad.last().at("tracking");
}

std::string in_thousands(const Spread& spread) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(1) << spread.mean / 1000 << " ± "
         << spread.deviation / 1000;
    return text.str();
}

std::string plain(const Spread& spread) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(1) << spread.mean << " ± " << spread.deviation;
    return text.str();
}

void print_way(std::ostream& out, const std::string& guest, const Way& way,
               const std::string& loss) {
    const Phases all = sum_up(way.phases);
    out << "| " << guest << " | " << way.name << " | " << in_thousands(all.accesses_per_second)
        << " | " << loss << " | " << plain(all.longest_stall_ms) << " | "
        << plain(all.seconds_stall_ms) << " | " << plain(all.daemon_ms_per_second) << " | "
        << plain(all.kdamond_ms_per_second) << " | ";
    const json &heat = way.last.at("heat"), &attribution = way.last.at("attribution"),
               &budget = way.last.at("budget");
    out << heat.at("tracker").get<std::string>() << ", " << heat.at("scans") << " looks | "
        << attribution.at("rounds") << ": " << attribution.at("estimate_us") << " / "
        << attribution.at("cost_us") << " / " << attribution.at("stall_us") << " | "
        << budget.at("earned_us") << " / " << budget.at("spent_us") << " |" << std::endl;
}

std::string text_of(const Loss& loss) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(1) << loss.percent << " ± " << loss.uncertainty;
    return text.str();
}

void compare_ways(std::ostream& out, RunningGuest& guest, const std::string& overhead,
                  const PhaseSettings& wanted) {
    // Faults are induced in mode "act" only; the thin guest is to be left where it is.
    const bool wide = vcpus_of(guest.shape()) > 2;
    const std::string head = std::string("mode = \"") + (wide ? "act" : "advise") +
                             "\"\ninterval = \"1s\"\n" + std::string(qmp_config);
    Way off{"off", with_tracking(head, "heat = \"none\"\nattribution = \"never\"\n", false)};
    Way on{"on", with_tracking(head,
                               "longest_stall = \"1min\"\noverhead = " + overhead +
                                   "\nmin_period = \"2s\"\nmax_period = \"1min\"\n",
                               false)};
    // Off first and on first in turns: a guest may become faster with time.
    for (int i = 0; i < wanted.of_each_way; ++i) {
        run_phase(guest, i % 2 == 0 ? off : on, wanted.length);
        run_phase(guest, i % 2 == 0 ? on : off, wanted.length);
    }
    print_way(out, guest.name(), off, "");
    print_way(out, guest.name(), on, text_of(loss_of(off.phases, on.phases)));
}

}  // namespace

void print_overhead_table(std::ostream& out, const std::string& overhead,
                          const PhaseSettings& wanted) {
    if (!wanted.guest.empty() && wanted.guest != "thin" && wanted.guest != "wide")
        throw std::runtime_error(wanted.guest + " is no guest: thin or wide");
    out << wanted.of_each_way << " phases of " << wanted.length.count()
        << " s each way, in turns. ±: standard deviation of the phases; of the loss: its standard "
           "error.\nEstimate, cost and stall are those of the last round of the last phase.\n\n"
           "| guest | tracking | thousand touches/s | loss, % | longest stall of a phase, without "
           "rounds, ms "
           "| of each "
           "second | vnumad, CPU "
           "ms/s | kdamonds, CPU ms/s | heat | rounds: estimate / cost / stall, us | earned / "
           "spent, us |"
           "\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        << std::flush;
    for (const GuestShape& shape : {with_big_buffers("thin"), wider_than_a_node("wide")}) {
        if (!wanted.guest.empty() && shape.name != wanted.guest) continue;
        DirectGuest guest(shape);
        compare_ways(out, guest, overhead, wanted);
    }
}

}  // namespace vnuma::lab
