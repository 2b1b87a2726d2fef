#include "integration/scenarios/guest_second.hpp"

#include <algorithm>
#include <stdexcept>

#include "integration/host/process.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr seconds report_limit{60};

}  // namespace

GuestSecond next_second(RunningGuest& guest, const std::function<void()>& meanwhile) {
    json report;
    const auto came = [&] {
        meanwhile();
        report = guest.next_report(seconds(0));
        return !report.is_null();
    };
    if (!wait_until(came, report_limit))
        throw std::runtime_error(guest.name() + " has stopped sending reports");
    GuestSecond second;
    for (const json& thread : report.at("threads")) {
        second.accesses += thread.at("accesses").get<double>();
        second.stall_ms = std::max(second.stall_ms, thread.at("stall_us").get<double>() / 1000);
    }
    return second;
}

}  // namespace vnuma::lab
