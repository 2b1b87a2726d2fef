#include "policy/resolve_policy.hpp"

#include <algorithm>
#include <utility>

#include "policy/guest_sections.hpp"
#include "policy/limit_overrides.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

constexpr const char* ceiling = "ceiling";

class Resolution {
  public:
    Resolution(const HostPolicy& host, const PolicySources& guest, const std::vector<int>& nodes)
        : host_(host),
          guest_(guest),
          nodes_(sorted_unique(nodes)),
          limiter_(host_, guest_, nodes_, policy_.problems) {
        policy_.problems = guest.metadata_problems;
    }

    TracedPolicy run() {
        add_sources_of_guest();
        for (PolicySource& source : sources_)
            limiter_.limit_group(source);
        add_sources_of_group();
        for (PolicySource& source : sources_) {
            wanted_.push_back(source.overrides);
            limiter_.limit_values(source);
            limiter_.limit_nodes(source);
            limiter_.limit_home(source);
        }
        choose_values();
        choose_nodes();
        choose_home();
        for (const PolicyLimit& limit : host_.limits)
            if (!limit.guests || limit.guests->contains(guest_.uuid)) apply(limit);
        return {std::move(policy_), std::move(origins_)};
    }

  private:
    void complain(const PolicySource& source, const char* key, const std::string& problem) {
        policy_.problems.push_back(problem_of(source, key, problem));
    }

    void add_sections(const PolicySections& guests, const PolicySections& cgroups,
                      const std::string& prefix) {
        for (const GuestSection& section : find_sections(guests, cgroups, guest_))
            sources_.push_back({prefix + section.path, *section.policy});
    }

    void add_sources_of_guest() {
        sources_.push_back({"policy", host_.defaults});
        sources_.push_back({run_time_prefix + std::string("policy"), host_.run_time.defaults});
        add_sections(host_.guests, host_.cgroups, "");
        metadata_ = sources_.size();
        sources_.push_back({"metadata", guest_.metadata, !guest_.metadata_problems.empty()});
        add_sections(host_.run_time.guests, host_.run_time.cgroups, run_time_prefix);
    }

    // The group is the one that the source of highest precedence names.
    void add_sources_of_group() {
        const auto named = std::find_if(
            sources_.rbegin(), sources_.rend(),
            [](const PolicySource& source) { return source.overrides.group.has_value(); });
        if (named == sources_.rend()) return;
        origins_.group = named->name;
        if (named->overrides.group->empty()) return;
        const std::string group = *named->overrides.group;
        const auto arrangements = host_.arrangements();
        const auto found = arrangements.find(group);
        if (found == arrangements.end()) return;
        policy_.group = group;
        const std::size_t placed = guest_.cells - guest_.empty_cells;
        if (found->second == Arrangement::together && placed > 1)
            complain(*named, "group",
                     "\"" + group + "\" has one home for all members, but the guest has " +
                         std::to_string(placed) + " cells");
        // Metadata could name a group whose run-time policy raises the mode, so that policy is
        // limited in the same way if part of the metadata could not be read.
        const bool incomplete = !guest_.metadata_problems.empty();
        if (const auto* overrides = find(host_.run_time.groups, group))
            insert(metadata_ + 1,
                   {run_time_prefix + ("group." + group), overrides->members, incomplete});
        if (const auto* overrides = find(host_.groups, group))
            insert(metadata_, {"group." + group, overrides->members});
    }

    void insert(std::size_t index, PolicySource source) {
        sources_.insert(sources_.begin() + static_cast<std::ptrdiff_t>(index), std::move(source));
    }

    static const GroupOverrides* find(const std::map<std::string, GroupOverrides>& groups,
                                      const std::string& name) {
        const auto found = groups.find(name);
        return found == groups.end() ? nullptr : &found->second;
    }

    void choose_values() {
        for (std::size_t i = 0; i < sources_.size(); ++i) {
            const PolicySource& source = sources_[i];
            choose_mode(source, wanted_[i]);
            choose(source, source.overrides.memory, wanted_[i].memory, policy_.memory,
                   origins_.memory);
            choose(source, source.overrides.priority, wanted_[i].priority, policy_.priority,
                   origins_.priority);
        }
        limit(policy_.mode, host_.ceiling_mode, origins_.mode, ceiling);
        limit(policy_.memory, host_.ceiling_memory, origins_.memory, ceiling);
        limit(policy_.priority, host_.ceiling_priority, origins_.priority, ceiling);
    }

    template <typename Value>
    static void choose(const PolicySource& source, const std::optional<Value>& value,
                       const std::optional<Value>& wanted, Value& chosen, std::string& origin) {
        if (!value) return;
        chosen = *value;
        origin = value < wanted ? ceiling : source.name;
    }

    void choose_mode(const PolicySource& source, const PolicyOverrides& wanted) {
        const Mode before = policy_.mode;
        const std::string origin = origins_.mode;
        choose(source, source.overrides.mode, wanted.mode, policy_.mode, origins_.mode);
        if (!source.incomplete) return;
        // It could only have raised the mode, or the rest of it may have been meant to lower it.
        const Mode most = std::min(before, Mode::observe);
        if (policy_.mode > most) {
            policy_.mode = most;
            origins_.mode = most == before ? origin : source.name;
        }
    }

    template <typename Value>
    static void limit(Value& value, Value most, std::string& origin, const std::string& source) {
        if (value <= most) return;
        value = most;
        origin = source;
    }

    void choose_nodes() {
        PolicySource chosen{ceiling, {}};
        if (host_.ceiling_nodes) {
            chosen.overrides.nodes = nodes_;
            remove_others(*chosen.overrides.nodes, *host_.ceiling_nodes);
        }
        for (const PolicySource& source : sources_)
            if (source.overrides.nodes) chosen = source;
        policy_.nodes = chosen.overrides.nodes;
        if (!policy_.nodes) return;
        origins_.nodes = chosen.name;
        if (policy_.nodes->empty()) {
            complain(chosen, "nodes", "no node is left, so the guest is at most observed");
            limit(policy_.mode, Mode::observe, origins_.mode, chosen.name);
            return;
        }
        std::vector<int> incomplete = *policy_.nodes;
        const std::vector<int> complete = remove_others(incomplete, guest_.nodes_without_cpus);
        if (complete.empty()) complain(chosen, "nodes", nodes_that_have_no_cpus(incomplete));
    }

    void choose_home() {
        for (auto source = sources_.rbegin(); source != sources_.rend(); ++source) {
            if (!source->overrides.home) continue;
            const std::vector<int>& home = *source->overrides.home;
            std::vector<int> nodes = sorted_unique(home);
            std::vector<int> outside;
            if (policy_.nodes) outside = remove_others(nodes, *policy_.nodes);
            if (outside.empty()) {
                origins_.home = source->name;
                policy_.home =
                    home.size() == 1 ? std::vector<int>(guest_.cells, home.front()) : home;
                return;
            }
            complain(*source, "home",
                     nodes_that(outside, "is not among the guest's nodes",
                                "are not among the guest's nodes"));
        }
    }

    void apply(const PolicyLimit& limit) {
        const auto complain_if = [&](bool binds, const char* key, const char* limited_to) {
            if (binds) complain({limit.source, {}}, key, limit.why + ", limited to " + limited_to);
        };
        complain_if(policy_.mode > limit.mode, "mode", name(limit.mode));
        complain_if(policy_.memory > limit.memory, "memory", name(limit.memory));
        this->limit(policy_.mode, limit.mode, origins_.mode, limit.source);
        this->limit(policy_.memory, limit.memory, origins_.memory, limit.source);
    }

    const HostPolicy& host_;
    const PolicySources& guest_;
    const std::vector<int> nodes_;         // of the host
    std::vector<PolicySource> sources_;    // in ascending order of precedence
    std::size_t metadata_ = 0;             // index of the metadata in the sources of the guest
    std::vector<PolicyOverrides> wanted_;  // by source: what it sets, before the ceiling
    GuestPolicy policy_;
    PolicyOrigins origins_;
    OverridesLimiter limiter_;
};

}  // namespace

GuestPolicy resolve_policy(const HostPolicy& host, const PolicySources& guest,
                           const std::vector<int>& nodes) {
    return Resolution(host, guest, nodes).run().policy;
}

TracedPolicy trace_policy(const HostPolicy& host, const PolicySources& guest,
                          const std::vector<int>& nodes) {
    return Resolution(host, guest, nodes).run();
}

}  // namespace vnuma
