#include "integration/scenarios/wide_guest.hpp"

#include <algorithm>
#include <stdexcept>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/host/workload_pattern.hpp"
#include "integration/scenarios/scenario_guests.hpp"

namespace vnuma::lab {
namespace {

using std::chrono::duration;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* numa_balancing = "/proc/sys/kernel/numa_balancing";
constexpr seconds goal{15}, first_report_limit{60};
// A wake-up takes an emulated guest so long that with shorter periods vCPUs with a duty of 20 %
// would use half a CPU each.
constexpr int period_ms = 100;

// The number of 4 KiB pages that the kernel has moved since boot. A huge page counts as 512.
std::int64_t pages_moved() {
    const std::string text = read_text("/proc/vmstat");
    const auto at = text.find("\npgmigrate_success ");
    return at == std::string::npos ? 0 : std::stoll(text.substr(text.find(' ', at + 1)));
}

}  // namespace

GuestShape misplaced_wide(const std::string& name) {
    GuestShape shape = wider_than_a_node(name);
    shape.first_touch_nodes = {1};
    return shape;
}

nlohmann::json locate_windows(DirectGuest& guest, const WideLoad& load) {
    GuestShape shape = guest.shape();
    shape.duty_percent = load.duty_percent;
    shape.period_ms = period_ms;
    return guest.locate_windows(windows_of(shape, load.buffer_owners, {}, Access::write));
}

// In emulation a round for a guest with huge pages takes seconds, and so do moves: each page that
// is unmapped interrupts all CPUs, which wait for their turn on the machine. The cost of rounds and
// moves is not measured here, and so hardly limited.
std::string wide_config() {
    return "mode = \"act\"\ninterval = \"1s\"\n" + std::string(qmp_config) +
           "[tracking]\nlongest_stall = \"1min\"\noverhead = 0.99\nmin_period = \"2s\"\n"
           "max_period = \"5s\"\n[memory]\ncall_time = \"250ms\"\nfelt = 0.99\n";
}

KernelNumaBalancing::KernelNumaBalancing() {
    write_text(numa_balancing, "1");
}

KernelNumaBalancing::~KernelNumaBalancing() {
    write_text(numa_balancing, "0");
}

void wait_for_first_report(Daemon& vnumad, const std::string& name) {
    const auto sees_it = [&](const nlohmann::json& report) {
        return !find_guest(report, name).is_null();
    };
    if (vnumad.wait_for(sees_it, first_report_limit).is_null())
        throw std::runtime_error("vnumad has not reported the guest\n" + vnumad.output());
}

WideCourse watch(const AccessLocality& access, seconds length) {
    WideCourse course;
    const auto begin = steady_clock::now();
    const std::int64_t before = pages_moved();
    bool later = false;
    std::int64_t at_15s = before;
    while (steady_clock::now() < begin + length) {
        const double share = access.local_share();
        const auto now = steady_clock::now() - begin;
        if (share < nearly_all_local)
            course.local_from = -1;
        else if (course.local_from < 0)
            course.local_from = duration<double>(now).count();
        if (!later && now >= goal) {
            later = true;
            course.after_15s = share;
            at_15s = pages_moved();
        }
        if (later) course.least_later = std::min(course.least_later, share);
        pause_briefly();
    }
    course.pages_moved = pages_moved() - before;
    course.pages_moved_later = pages_moved() - at_15s;
    return course;
}

}  // namespace vnuma::lab
