#include "integration/scenarios/tracked_guest.hpp"

#include <stdexcept>

#include "integration/host/process.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr seconds first_report_limit{60};

}  // namespace

TrackedGuest::TrackedGuest(const RunningGuest& guest, const std::string& config)
    : guest_(guest.name()), vnumad_(config) {
    if (!wait_until([&] { return !last().is_null(); }, first_report_limit))
        fail("has not reported guest " + guest_);
    if (!last_.contains("tracking"))
        fail("reports no access tracking; this build of vnumad may have none");
}

const json& TrackedGuest::last() {
    const int status = vnumad_.wait_for_end(seconds(0));
    if (status >= 0)
        fail("ended with status " + std::to_string(status) +
             "; a vnumad without access tracking rejects this configuration");
    for (const json& report : vnumad_.take_reports()) {
        json seen = find_guest(report, guest_);
        if (!seen.is_null()) last_ = std::move(seen);
    }
    return last_;
}

const json& TrackedGuest::at(Clock::time_point time) {
    while (Clock::now() < time) {
        pause_briefly();
        last();
    }
    return last();
}

void TrackedGuest::fail(const std::string& what) {
    throw std::runtime_error("vnumad " + what + "\n" + vnumad_.output());
}

}  // namespace vnuma::lab
