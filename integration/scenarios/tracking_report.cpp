#include "integration/scenarios/tracking_report.hpp"

namespace vnuma::lab {

using nlohmann::json;

namespace {

void append_ranges(std::vector<PhysicalRange>& ranges, const json& entry) {
    for (const json& range : entry.at("ranges"))
        ranges.push_back({range.at(0), range.at(1)});
}

}  // namespace

std::vector<Claim> claims_of(const json& guest) {
    std::vector<Claim> claims;
    const json& tracking = guest.at("tracking");
    if (!tracking.contains("map")) return claims;
    const int hot_from = tracking.at("chunks").at("hot_from");
    for (const json& chunk : tracking.at("map"))
        claims.push_back({{chunk.at(0), chunk.at(1)}, chunk.at(2) >= hot_from, chunk.at(3)});
    return claims;
}

std::vector<TrueAccesses> true_accesses_of(const json& truth) {
    std::vector<TrueAccesses> accessed;
    for (const json& entry : truth) {
        if (entry.at("thread").is_null()) continue;
        TrueAccesses& of_thread = accessed.emplace_back();
        of_thread.vcpu = entry.at("cpu");
        append_ranges(of_thread.ranges, entry);
    }
    return accessed;
}

std::vector<PhysicalRange> buffers_of(const json& truth) {
    std::vector<PhysicalRange> buffers;
    for (const json& entry : truth)
        if (entry.at("thread").is_null()) append_ranges(buffers, entry);
    return buffers;
}

Accuracy accuracy_of(const json& guest, const json& truth) {
    return compare(true_accesses_of(truth), claims_of(guest), buffers_of(truth));
}

std::string with_tracking(const std::string& head, const std::string& tracking, bool with_map) {
    return head + "[tracking]\n" + tracking +
           "[report]\nheat_map = " + (with_map ? "true\n" : "false\n");
}

}  // namespace vnuma::lab
