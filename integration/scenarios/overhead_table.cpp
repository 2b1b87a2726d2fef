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

// Time from the start of vnumad to the measurement, which is not to include the cost of the start.
constexpr seconds warm_up{4};

double milliseconds_of(std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

Phase measure(RunningGuest& guest, TrackedGuest& vnumad, seconds length) {
    guest.skip_reports();
    KernelThreadTime kdamonds("kdamond.");
    const auto meanwhile = [&] { kdamonds.update(); };
    next_second(guest, meanwhile);  // this second had begun before
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

struct Variant {
    const char* name;
    std::string config;
    std::vector<Phase> phases{};
    json last{};  // vnumad's report of tracking at the end of the last phase
};

void run_phase(RunningGuest& guest, Variant& variant, seconds length) {
    TrackedGuest vnumad(guest, variant.config);
    vnumad.at(vnumad.started() + warm_up);
    variant.phases.push_back(measure(guest, vnumad, length));
    variant.last = vnumad.last().at("tracking");
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

void print_variant(std::ostream& out, const std::string& guest, const Variant& variant,
                   const std::string& loss) {
    const Phases all = sum_up(variant.phases);
    out << "| " << guest << " | " << variant.name << " | " << in_thousands(all.accesses_per_second)
        << " | " << loss << " | " << plain(all.longest_stall_ms) << " | "
        << plain(all.seconds_stall_ms) << " | " << plain(all.daemon_ms_per_second) << " | "
        << plain(all.kdamond_ms_per_second) << " | ";
    const json &heat = variant.last.at("heat"), &attribution = variant.last.at("attribution"),
               &budget = variant.last.at("budget");
    out << heat.at("tracker").get<std::string>() << ", " << heat.at("scans") << " scans | "
        << attribution.at("rounds") << ": " << attribution.at("estimate_us") << " / "
        << attribution.at("cost_us") << " / " << attribution.at("stall_us") << " | "
        << budget.at("earned_us") << " / " << budget.at("spent_us") << " |" << std::endl;
}

std::string text_of(const Loss& loss) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(1) << loss.percent << " ± " << loss.uncertainty;
    return text.str();
}

void compare_variants(std::ostream& out, RunningGuest& guest, const std::string& overhead,
                      const PhaseSettings& phases) {
    // The wide guest needs induced faults, and so mode "act". The thin guest is not to be moved.
    const bool wide = vcpus_of(guest.shape()) > 2;
    const std::string head = std::string("mode = \"") + (wide ? "act" : "advise") +
                             "\"\ninterval = \"1s\"\n" + std::string(qmp_config);
    Variant off{"off", with_tracking(head, "heat = \"none\"\nattribution = \"never\"\n", false)};
    Variant on{"on", with_tracking(head,
                                   "longest_stall = \"1min\"\noverhead = " + overhead +
                                       "\nmin_period = \"2s\"\nmax_period = \"1min\"\n",
                                   false)};
    // Alternates which variant comes first, since a guest may become faster with time.
    for (int i = 0; i < phases.count; ++i) {
        run_phase(guest, i % 2 == 0 ? off : on, phases.length);
        run_phase(guest, i % 2 == 0 ? on : off, phases.length);
    }
    print_variant(out, guest.name(), off, "");
    print_variant(out, guest.name(), on, text_of(loss_of(off.phases, on.phases)));
}

}  // namespace

void print_overhead_table(std::ostream& out, const std::string& overhead,
                          const PhaseSettings& phases) {
    if (!phases.guest.empty() && phases.guest != "thin" && phases.guest != "wide")
        throw std::runtime_error(phases.guest + ": the guest must be thin or wide");
    out << phases.count << " phases of " << phases.length.count()
        << " s each, with and without tracking. ±: standard deviation of the phases, and for the "
           "loss its\nstandard error. Estimate, cost and stall are those of the last round of the "
           "last "
           "phase.\n\n"
           "| guest | tracking | thousand accesses/s | loss, % | longest stall of a phase, without "
           "rounds, ms "
           "| of each "
           "second | vnumad, CPU "
           "ms/s | kdamonds, CPU ms/s | heat | rounds: estimate / cost / stall, us | earned / "
           "spent, us |"
           "\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        << std::flush;
    for (const GuestShape& shape : {with_big_buffers("thin"), wider_than_a_node("wide")}) {
        if (!phases.guest.empty() && shape.name != phases.guest) continue;
        DirectGuest guest(shape);
        compare_variants(out, guest, overhead, phases);
    }
}

}  // namespace vnuma::lab
