#include "policy/resolve_policy.hpp"

#include <algorithm>

namespace vnuma {
namespace {

constexpr std::size_t max_listed = 8;  // numbers in one problem

using Numbers = std::vector<int>;

// What was said in one place. Sources are judged one by one, so that what is wrong is told even
// where a higher source says something else.
struct Source {
    std::string name;  // of the configuration's section, where it is one
    PolicyOverrides words;
    bool broken = false;  // not all of it could be read
};

// "5 is", "5, 6 are"
std::string subject(const Numbers& numbers) {
    std::string text;
    for (std::size_t i = 0; i < std::min(numbers.size(), max_listed); ++i)
        text += (i ? ", " : "") + std::to_string(numbers[i]);
    if (numbers.size() > max_listed) text += ", ...";
    return text + (numbers.size() == 1 ? " is" : " are");
}

// Takes out of `from`, and returns, what is not among `allowed`.
Numbers take_others(Numbers& from, const Numbers& allowed) {
    const auto others = std::stable_partition(from.begin(), from.end(), [&](int number) {
        return std::find(allowed.begin(), allowed.end(), number) != allowed.end();
    });
    Numbers taken(others, from.end());
    from.erase(others, from.end());
    return taken;
}

Numbers both(Numbers some, const Numbers& others) {
    take_others(some, others);
    return some;
}

Numbers sorted(Numbers numbers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

std::string text_of(int number) {
    return std::to_string(number);
}
template <typename Word>
std::string text_of(Word word) {
    return name(word);
}

class Resolution {
  public:
    Resolution(const HostPolicy& host, const PolicySources& guest, const Numbers& nodes)
        : host_(host), guest_(guest), nodes_(sorted(nodes)) {
        policy_.problems = guest.metadata_problems;
    }

    GuestPolicy run() {
        collect();
        for (Source& source : sources_) {
            narrow_values(source);
            narrow_nodes(source);
            narrow_home(source);
        }
        choose_values();
        choose_nodes();
        choose_home();
        return std::move(policy_);
    }

  private:
    void complain(const Source& source, const char* key, const std::string& problem) {
        policy_.problems.push_back(source.name + ": " + key + ": " + problem);
    }

    void add_section(const std::string& key) {
        const auto found = host_.guests.find(key);
        if (found != host_.guests.end()) sources_.push_back({"guest." + key, found->second});
    }

    // All sources of the guest, the lowest first.
    void collect() {
        sources_.push_back({"policy", host_.defaults});
        add_section(guest_.name);
        if (guest_.uuid != guest_.name) add_section(guest_.uuid);
        const auto below_metadata = static_cast<std::ptrdiff_t>(sources_.size());
        sources_.push_back({"metadata", guest_.metadata, !guest_.metadata_problems.empty()});
        sources_.push_back({"run time", guest_.run_time});
        for (Source& source : sources_) {
            check_group(source);
            narrow_group(source);
        }
        const auto names_group =
            std::find_if(sources_.rbegin(), sources_.rend(),
                         [](const Source& source) { return source.words.group.has_value(); });
        if (names_group == sources_.rend() || names_group->words.group->empty()) return;
        const std::string group = *names_group->words.group;
        const auto arrangements = host_.arrangements();
        const auto found = arrangements.find(group);
        if (found == arrangements.end()) return;
        policy_.group = group;
        if (found->second == Arrangement::together && guest_.cells > 1)
            complain(*names_group, "group",
                     "\"" + group + "\" has one home, and the guest has " +
                         std::to_string(guest_.cells) + " cells");
        // Or metadata of which a part is wrong would raise its mode by the other, its group.
        const bool broken = !guest_.metadata_problems.empty();
        if (const auto words = find(host_.run_time.groups, group))
            sources_.insert(sources_.end() - 1,
                            {"run time, group." + group, words->members, broken});
        if (const auto words = find(host_.groups, group))
            sources_.insert(sources_.begin() + below_metadata, {"group." + group, words->members});
    }

    static const GroupOverrides* find(const std::map<std::string, GroupOverrides>& groups,
                                      const std::string& name) {
        const auto found = groups.find(name);
        return found == groups.end() ? nullptr : &found->second;
    }

    void check_group(const Source& source) {
        const std::optional<std::string>& group = source.words.group;
        if (!group || group->empty() || host_.has_group(*group)) return;
        complain(source, "group",
                 is_group_name(*group) ? "there is no group \"" + *group + "\""
                                       : "is no name of a group");
    }

    void narrow_group(Source& source) {
        std::optional<std::string>& group = source.words.group;
        if (!host_.ceiling_groups || !group || !host_.has_group(*group)) return;
        const auto& allowed = *host_.ceiling_groups;
        if (std::find(allowed.begin(), allowed.end(), *group) != allowed.end()) return;
        complain(source, "group", "\"" + *group + "\" is beyond the ceiling");
        group.reset();
    }

    template <typename Value>
    void narrow(const Source& source, const char* key, std::optional<Value>& word, Value ceiling) {
        if (!word || *word <= ceiling) return;
        complain(source, key, text_of(*word) + " is beyond the ceiling (" + text_of(ceiling) + ")");
        word = ceiling;
    }

    void narrow_values(Source& source) {
        PolicyOverrides& words = source.words;
        narrow(source, "mode", words.mode, host_.ceiling_mode);
        narrow(source, "memory", words.memory, host_.ceiling_memory);
        if (words.priority &&
            (*words.priority < least_priority || *words.priority > most_priority)) {
            complain(source, "priority",
                     text_of(*words.priority) + " is not from " + text_of(least_priority) + " to " +
                         text_of(most_priority));
            words.priority = std::clamp(*words.priority, least_priority, most_priority);
        }
        narrow(source, "priority", words.priority, host_.ceiling_priority);
    }

    void narrow_nodes(Source& source) {
        if (!source.words.nodes) return;
        Numbers& nodes = *source.words.nodes;
        nodes = sorted(std::move(nodes));
        find_missing(source, "nodes", nodes);
        find_beyond(source, "nodes", nodes);
    }

    // A home is used as it was said, or not at all.
    void narrow_home(Source& source) {
        if (!source.words.home) return;
        const std::size_t count = source.words.home->size();
        Numbers nodes = sorted(*source.words.home);
        bool usable = find_missing(source, "home", nodes);
        usable = find_beyond(source, "home", nodes) && usable;
        if (const Numbers homeless = take_homeless(nodes); !homeless.empty()) {
            complain(source, "home", subject(homeless) + " without CPUs or memory");
            usable = false;
        }
        if (count != 1 && count != guest_.cells) {
            complain(source, "home",
                     "is of " + std::to_string(count) + " cells, and the guest has " +
                         std::to_string(guest_.cells));
            usable = false;
        }
        if (!usable) source.words.home.reset();
    }

    bool find_missing(const Source& source, const char* key, Numbers& nodes) {
        const Numbers missing = take_others(nodes, nodes_);
        if (missing.empty()) return true;
        complain(
            source, key,
            subject(missing) + (missing.size() == 1 ? " no node" : " no nodes") + " of this host");
        return false;
    }

    bool find_beyond(const Source& source, const char* key, Numbers& nodes) {
        if (!host_.ceiling_nodes) return true;
        const Numbers beyond = take_others(nodes, *host_.ceiling_nodes);
        if (!beyond.empty()) complain(source, key, subject(beyond) + " beyond the ceiling");
        return beyond.empty();
    }

    // Takes those out that can be nobody's home.
    Numbers take_homeless(Numbers& nodes) const {
        Numbers homeless = both(nodes, guest_.homeless_nodes);
        std::erase_if(nodes, [&](int node) {
            return std::find(homeless.begin(), homeless.end(), node) != homeless.end();
        });
        return homeless;
    }

    void choose_values() {
        for (const Source& source : sources_) {
            const PolicyOverrides& words = source.words;
            const Mode mode = words.mode.value_or(policy_.mode);
            policy_.mode = source.broken ? std::min({policy_.mode, mode, Mode::observe}) : mode;
            policy_.memory = words.memory.value_or(policy_.memory);
            policy_.priority = words.priority.value_or(policy_.priority);
        }
        policy_.mode = std::min(policy_.mode, host_.ceiling_mode);
        policy_.memory = std::min(policy_.memory, host_.ceiling_memory);
        policy_.priority = std::min(policy_.priority, host_.ceiling_priority);
    }

    void choose_nodes() {
        Source from{"ceiling", {}};
        if (host_.ceiling_nodes) from.words.nodes = both(nodes_, *host_.ceiling_nodes);
        for (const Source& source : sources_)
            if (source.words.nodes) from = source;
        policy_.nodes = from.words.nodes;
        if (!policy_.nodes) return;
        Numbers homes = *policy_.nodes;
        const Numbers homeless = take_homeless(homes);
        if (homes.empty() && !homeless.empty())
            complain(from, "nodes", subject(homeless) + " without CPUs or memory");
        if (!policy_.nodes->empty()) return;
        complain(from, "nodes", "none is left, so the guest is not touched");
        policy_.mode = std::min(policy_.mode, Mode::observe);
    }

    void choose_home() {
        for (auto source = sources_.rbegin(); source != sources_.rend(); ++source) {
            if (!source->words.home) continue;
            const Numbers& home = *source->words.home;
            Numbers inside = sorted(home);
            const Numbers outside = policy_.nodes ? take_others(inside, *policy_.nodes) : Numbers{};
            if (outside.empty()) {
                policy_.home = home.size() == 1 ? Numbers(guest_.cells, home.front()) : home;
                return;
            }
            complain(*source, "home", subject(outside) + " not among the guest's nodes");
        }
    }

    const HostPolicy& host_;
    const PolicySources& guest_;
    const Numbers nodes_;  // of the host
    std::vector<Source> sources_;
    GuestPolicy policy_;
};

}  // namespace

GuestPolicy resolve_policy(const HostPolicy& host, const PolicySources& guest,
                           const std::vector<int>& nodes) {
    return Resolution(host, guest, nodes).run();
}

}  // namespace vnuma
