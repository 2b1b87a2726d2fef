#include "src/control/queries/view_policy.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "policy/guest_sections.hpp"
#include "policy/model/number_list.hpp"
#include "policy/model/shell_pattern.hpp"
#include "policy/model/uuid.hpp"
#include "src/control/queries/find_guest.hpp"
#include "src/observe/guest_policies.hpp"

namespace vnuma::control {
namespace {

constexpr std::string_view run_time_begin = run_time_prefix;
constexpr std::string_view group_begin = "group.";

bool is_at_run_time(const std::string& origin) {
    return origin.starts_with(run_time_begin);
}

// The section, as it stands between brackets. "guest.web1" for "run-time policy, guest.web1".
std::string section_of(const std::string& origin) {
    return is_at_run_time(origin) ? origin.substr(run_time_begin.size()) : origin;
}

std::string source_of(const std::string& origin) {
    const std::string section = section_of(origin);
    std::string group =
        section.starts_with(group_begin) ? "group " + section.substr(group_begin.size()) : "";
    if (is_at_run_time(origin)) {
        if (section == "policy") return "run-time, defaults";
        return group.empty() ? "run-time" : "run-time, " + group;
    }
    if (!group.empty()) return group;
    const bool is_configured =
        section == "policy" || section.starts_with("guest.") || section.starts_with("cgroup.");
    return is_configured ? "configuration" : section;
}

PolicyValue value_of(const HostPolicy& policy, const char* key, std::string text,
                     const std::string& origin) {
    PolicyValue value{key, std::move(text), source_of(origin), std::nullopt};
    if (!is_at_run_time(origin)) return value;
    const auto until = policy.run_time_until.find(section_of(origin));
    if (until != policy.run_time_until.end()) value.until_ms = until->second;
    return value;
}

// As guests have them in the reply: their domains, and what else is listed of them.
ListedGuest listed(const GuestSample& sample) {
    ListedGuest guest;
    guest.uuid = sample.uuid;
    guest.name = sample.name;
    guest.cgroup = sample.cgroup;
    guest.domain = sample.domain;
    return guest;
}

std::vector<PolicyValue> values_of(const HostPolicy& policy, const TracedPolicy& traced) {
    const auto& [in_force, from] = traced;
    const auto value = [&](const char* key, std::string text, const std::string& origin) {
        return value_of(policy, key, std::move(text), origin);
    };
    return {value("mode", name(in_force.mode), from.mode),
            value("group", in_force.group, from.group),
            value("nodes", in_force.nodes ? format_number_list(*in_force.nodes) : "", from.nodes),
            value("home", format_number_list(in_force.home), from.home),
            value("memory", name(in_force.memory), from.memory),
            value("priority", std::to_string(in_force.priority), from.priority)};
}

// What one section sets, over what another one does. Keys that neither sets are left out, or have
// a built-in value.
class SectionValues {
  public:
    SectionValues(const HostPolicy& policy, const std::string& path)
        : policy_(policy), path_(path) {}

    // `configured` and `at_run_time` may be null.
    void add(const PolicyOverrides* configured, const PolicyOverrides* at_run_time,
             bool with_built_in) {
        const GuestPolicy built_in;
        const auto text = [](const auto& value) { return std::string(name(value)); };
        const auto list = [](const std::vector<int>& numbers) {
            return format_number_list(numbers);
        };
        add_one("mode", &PolicyOverrides::mode, configured, at_run_time, text);
        if (with_built_in) add_built_in("mode", name(built_in.mode));
        add_one("group", &PolicyOverrides::group, configured, at_run_time,
                [](const std::string& group) { return group; });
        add_one("nodes", &PolicyOverrides::nodes, configured, at_run_time, list);
        add_one("home", &PolicyOverrides::home, configured, at_run_time, list);
        add_one("memory", &PolicyOverrides::memory, configured, at_run_time, text);
        if (with_built_in) add_built_in("memory", name(built_in.memory));
        add_one("priority", &PolicyOverrides::priority, configured, at_run_time,
                [](int priority) { return std::to_string(priority); });
        if (with_built_in) add_built_in("priority", std::to_string(built_in.priority));
    }

    void add_set(const char* key, std::string text, bool at_run_time) {
        values_.push_back(
            value_of(policy_, key, std::move(text), at_run_time ? run_time_prefix + path_ : path_));
    }
    void add_built_in(const char* key, std::string text) {
        if (!has(key)) values_.push_back({key, std::move(text), PolicyOrigins::built_in, {}});
    }

    std::vector<PolicyValue> take() { return std::move(values_); }

  private:
    bool has(std::string_view key) const {
        return std::any_of(values_.begin(), values_.end(),
                           [&](const PolicyValue& value) { return value.key == key; });
    }
    template <typename Member, typename Text>
    void add_one(const char* key, Member member, const PolicyOverrides* configured,
                 const PolicyOverrides* at_run_time, Text text_of) {
        if (at_run_time && at_run_time->*member)
            add_set(key, text_of(*(at_run_time->*member)), true);
        else if (configured && configured->*member)
            add_set(key, text_of(*(configured->*member)), false);
    }

    const HostPolicy& policy_;
    const std::string path_;
    std::vector<PolicyValue> values_;
};

template <typename Value>
const Value* find(const std::map<std::string, Value>& sections, const std::string& name) {
    const auto found = sections.find(name);
    return found == sections.end() ? nullptr : &found->second;
}

std::vector<PolicyValue> set_at_run_time(const std::vector<PolicyValue>& values) {
    std::vector<PolicyValue> some;
    for (const PolicyValue& value : values)
        if (value.source.starts_with("run-time") && value.source != "run-time policy")
            some.push_back(value);
    return some;
}

PolicyView view_of(const Tick& tick, std::string target, std::vector<PolicyValue> values,
                   std::vector<std::string> problems = {}) {
    PolicyView view{std::move(target), std::move(values), {}, std::move(problems)};
    view.run_time = set_at_run_time(view.values);
    if (!tick.policy_problem.empty())
        view.problems.push_back("the file of the run-time policy is not in force: " +
                                tick.policy_problem);
    return view;
}

PolicyView view_defaults(const Tick& tick) {
    SectionValues values(tick.policy, "policy");
    values.add(&tick.policy.defaults, &tick.policy.run_time.defaults, true);
    return view_of(tick, "defaults", values.take());
}

std::variant<PolicyView, Refused> view_group(const Tick& tick, const std::string& group) {
    const auto* configured = find(tick.policy.groups, group);
    const auto* at_run_time = find(tick.policy.run_time.groups, group);
    if (!configured && !at_run_time)
        return Refused{invalid_argument,
                       "there is no group \"" + group + "\"; vnumactl group list shows all groups"};
    SectionValues values(tick.policy, "group." + group);
    if (at_run_time && at_run_time->arrangement)
        values.add_set("arrangement", name(*at_run_time->arrangement), true);
    else if (configured && configured->arrangement)
        values.add_set("arrangement", name(*configured->arrangement), false);
    else
        values.add_built_in("arrangement", name(Arrangement::none));
    values.add(configured ? &configured->members : nullptr,
               at_run_time ? &at_run_time->members : nullptr, false);
    return view_of(tick, "group " + group, values.take());
}

PolicyView view_section(const Tick& tick, const char* kind, const std::string& name,
                        const PolicyOverrides* configured, const PolicyOverrides* at_run_time) {
    SectionValues values(tick.policy, std::string(kind) + "." + name);
    values.add(configured, at_run_time, false);
    return view_of(tick, std::string(kind) + " " + name, values.take());
}

// What the planner's input adds to the problems of a policy, if it is the policy of this tick.
std::vector<std::string> problems_of(const Tick& tick, std::size_t guest,
                                     const GuestPolicy& policy) {
    std::vector<std::string> problems = policy.problems;
    const std::vector<std::string>& seen = tick.snapshot.guests.at(guest).policy.problems;
    const auto begins_alike = std::equal(
        problems.begin(), problems.end(), seen.begin(),
        seen.begin() + static_cast<std::ptrdiff_t>(std::min(problems.size(), seen.size())));
    return begins_alike && seen.size() > problems.size() ? seen : problems;
}

std::variant<PolicyView, Refused> view_guest(const Tick& tick, const std::string& name) {
    const auto found = find_guest(tick, name);
    if (const auto* guest = std::get_if<std::size_t>(&found)) {
        const TracedPolicy traced = trace_guest(tick, *guest);
        return view_of(tick, "guest " + tick.sample().guests[*guest].name,
                       values_of(tick.policy, traced), problems_of(tick, *guest, traced.policy));
    }
    const std::string section = normalize_guest_name(name);
    const auto* configured = find(tick.policy.guests, section);
    const auto* at_run_time = find(tick.policy.run_time.guests, section);
    if (!configured && !at_run_time && !is_pattern(section)) return std::get<Refused>(found);
    return view_section(tick, "guest", section, configured, at_run_time);
}

}  // namespace

TracedPolicy trace_guest(const Tick& tick, std::size_t guest) {
    return trace_policy(listed(tick.sample().guests.at(guest)), tick.policy,
                        tick.snapshot.topology);
}

std::vector<PolicyValue> values_of_guest(const Tick& tick, std::size_t guest) {
    return values_of(tick.policy, trace_guest(tick, guest));
}

std::variant<PolicyView, Refused> view_policy(const Tick& tick, const PolicyTarget& target) {
    const int named = (target.guest ? 1 : 0) + (target.cgroup ? 1 : 0) + (target.group ? 1 : 0);
    if (named > 1) return Refused{invalid_argument, "name one of guest, cgroup and group"};
    if (target.group) return view_group(tick, *target.group);
    if (target.cgroup)
        return view_section(tick, "cgroup", *target.cgroup,
                            find(tick.policy.cgroups, *target.cgroup),
                            find(tick.policy.run_time.cgroups, *target.cgroup));
    if (target.guest) return view_guest(tick, *target.guest);
    return view_defaults(tick);
}

}  // namespace vnuma::control
