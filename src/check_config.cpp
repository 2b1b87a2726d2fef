#include "src/check_config.hpp"

#include "guests/discovery/guest_source.hpp"
#include "policy/guest_sections.hpp"

namespace vnuma {
namespace {

constexpr const char* not_known = "it is not known whether every section is that of a guest: ";

}  // namespace

std::vector<std::string> check_sections(const Config& config, const ListGuests& list) {
    const HostPolicy& policy = config.policy;
    if (policy.guests.empty() && policy.cgroups.empty()) return {};
    if (config.source == SourceChoice::qmp || config.source == SourceChoice::proc)
        return {std::string(not_known) + "libvirt does not list the guests (source)"};
    std::vector<std::string> told;
    try {
        for (const std::string& section : find_unmatched_sections(policy, list()))
            told.push_back("section " + section + " is that of no " +
                           (section.starts_with("cgroup.") ? "running " : "") +
                           "guest that libvirt knows");
    } catch (const SourceError& error) {
        told = {not_known + std::string(error.what())};
    }
    return told;
}

}  // namespace vnuma
