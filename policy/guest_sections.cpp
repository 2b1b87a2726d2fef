#include "policy/guest_sections.hpp"

#include <algorithm>
#include <cstddef>
#include <set>
#include <tuple>
#include <utility>

#include "policy/model/shell_pattern.hpp"
#include "policy/model/uuid.hpp"

namespace vnuma {
namespace {

// How a section names a guest, the more specific one behind.
enum class Fit { none, cgroup_pattern, cgroup, name_pattern, name, uuid };

Fit fit_of_cgroup(const std::string& section, const std::string& cgroup) {
    if (cgroup.empty()) return Fit::none;
    if (section == cgroup) return Fit::cgroup;
    return is_pattern(section) && matches_pattern(section, cgroup) ? Fit::cgroup_pattern
                                                                   : Fit::none;
}

// What a guest is called in the sections of guests.
class Names {
  public:
    // Neither a UUID nor the name of a socket has a slash, so what is behind it tells copies apart.
    explicit Names(const GuestIdentity& guest)
        : uuid_(normalize_guest_name(guest.uuid.substr(0, guest.uuid.find('/')))),
          normalized_(normalize_guest_name(guest.name)),
          name_(guest.name) {}

    Fit fit_of(const std::string& section) const {
        if (section == uuid_) return Fit::uuid;
        if (section == normalized_) return Fit::name;
        return is_pattern(section) && matches_pattern(section, name_) ? Fit::name_pattern
                                                                      : Fit::none;
    }

  private:
    std::string uuid_;
    std::string normalized_;  // a name may look like a UUID, and sections are normalized
    const std::string& name_;
};

void add_unmatched(const HostPolicy& host, const std::vector<GuestIdentity>& guests,
                   bool at_run_time, std::vector<std::string>& unmatched) {
    const PolicySections& of_guests = at_run_time ? host.run_time.guests : host.guests;
    const PolicySections& of_cgroups = at_run_time ? host.run_time.cgroups : host.cgroups;
    std::set<const PolicyOverrides*> matched;
    for (const GuestIdentity& guest : guests)
        for (const GuestSection& section : find_sections(of_guests, of_cgroups, guest))
            matched.insert(section.policy);
    const auto add = [&](const char* kind, const PolicySections& sections) {
        for (const auto& [name, policy] : sections)
            if (!matched.contains(&policy))
                unmatched.push_back((at_run_time ? run_time_prefix : "") + (kind + name));
    };
    add("guest.", of_guests);
    add("cgroup.", of_cgroups);
}

}  // namespace

std::vector<GuestSection> find_sections(const PolicySections& guests, const PolicySections& cgroups,
                                        const GuestIdentity& guest) {
    struct Found {
        Fit fit;
        std::size_t literal;
        GuestSection section;
    };
    std::vector<Found> found;
    const auto add = [&](const char* kind, const auto& one, Fit fit) {
        if (fit != Fit::none)
            found.push_back({fit, literal_length(one.first), {kind + one.first, &one.second}});
    };
    const Names names(guest);
    for (const auto& one : cgroups)
        add("cgroup.", one, fit_of_cgroup(one.first, guest.cgroup));
    for (const auto& one : guests)
        add("guest.", one, names.fit_of(one.first));
    std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
        return std::tuple(a.fit, a.literal) < std::tuple(b.fit, b.literal);
    });
    std::vector<GuestSection> sections;
    sections.reserve(found.size());
    for (Found& one : found)
        sections.push_back(std::move(one.section));
    return sections;
}

std::vector<std::string> find_unmatched_sections(const HostPolicy& host,
                                                 const std::vector<GuestIdentity>& guests) {
    std::vector<std::string> unmatched;
    for (const bool at_run_time : {false, true})
        add_unmatched(host, guests, at_run_time, unmatched);
    return unmatched;
}

}  // namespace vnuma
