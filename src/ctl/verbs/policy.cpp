#include "src/ctl/verbs/policy.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "src/ctl/arguments.hpp"
#include "src/ctl/drop_in.hpp"
#include "src/ctl/prose.hpp"
#include "src/ctl/verbs.hpp"
#include "src/ctl/verbs/show.hpp"

namespace vnuma::ctl {
namespace {

using control::PolicyTarget;
using control::PolicyView;

// Numbers of libvirt and of processes do not outlive the guest.
bool is_number(const std::string& text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The target for the file: a guest by the name that the daemon knows it by, if there is a daemon.
PolicyTarget lasting(PolicyTarget target, const std::optional<PolicyView>& view) {
    constexpr std::string_view begin = "guest ";
    if (!target.guest) return target;
    if (view && view->target.starts_with(begin)) target.guest = view->target.substr(begin.size());
    if (!view && is_number(*target.guest))
        throw UsageError("policy --persist: \"" + *target.guest +
                         "\" may be an id or a pid, which name a guest only while it runs; give "
                         "its name or UUID");
    return target;
}

// Does what is asked for at run time. Without a daemon, it is enough to write the drop-in. With it,
// the reply is printed as JSON together with the name of the file.
template <typename Arguments>
std::optional<PolicyView> order(Context& context, const char* command, const Arguments& arguments,
                                bool persist) {
    try {
        const nlohmann::json reply =
            context.connection().call(command, control::to_json(arguments));
        auto view = Connection::read_reply<PolicyView>(command, reply);
        if (!context.options.json && !context.options.quiet)
            context.print(format_policy(view, context.terminal()));
        if (context.options.json && !persist) context.print_json(reply);
        return view;
    } catch (const NoDaemon& error) {
        if (!persist) throw;
        if (!context.options.quiet) std::cerr << "vnumactl: " << error.what() << "\n";
        return std::nullopt;
    }
}

// `file`: empty if none was written.
void say_written(Context& context, const std::string& file, const std::optional<PolicyView>& view) {
    if (context.options.json) {
        nlohmann::json written{{"policy", nullptr}, {"file", nullptr}};
        if (view) written["policy"] = control::to_json(*view);
        if (!file.empty()) written["file"] = file;
        context.print_json(written);
    } else if (!file.empty()) {
        context.say("Written to " + file +
                    ", which vnumad reads when it starts (systemctl restart vnumad).");
    }
}

int run_get(Context& context, PolicyOptions options) {
    const PolicyTarget target = take_target(options, false);
    if (!options.words.empty())
        throw UsageError("policy get: \"" + options.words.front() + "\" is one argument too many");
    const nlohmann::json reply =
        context.connection().call("query-policy", control::to_json(target));
    if (context.options.json)
        context.print_json(reply);
    else
        context.print(format_policy(Connection::read_reply<PolicyView>("query-policy", reply),
                                    context.terminal()));
    return exit_done;
}

int run_set(Context& context, PolicyOptions options) {
    control::SetPolicyArguments arguments;
    arguments.target = take_target(options, true);
    if (arguments.target.guest && arguments.target.guest->find('=') != std::string::npos)
        throw UsageError("whose policy? \"" + *arguments.target.guest +
                         "\" is a setting: give a guest before it, --group, --cgroup or "
                         "--defaults");
    arguments.settings = parse_settings(options.words);
    arguments.absent = options.absent;
    if (!options.until.empty()) arguments.for_ms = read_duration("--until", options.until);
    const auto view = order(context, "set-policy", arguments, options.persist);
    if (!options.persist) return exit_done;
    PolicyDropIn drop_in(options.configuration);
    drop_in.set(lasting(arguments.target, view), arguments.settings);
    say_written(context, drop_in.file(), view);
    return exit_done;
}

int run_unset(Context& context, PolicyOptions options) {
    control::UnsetPolicyArguments arguments;
    arguments.target = take_target(options, true);
    arguments.keys = options.words;
    for (const std::string& key : arguments.keys)
        if (key.find('=') != std::string::npos)
            throw UsageError("policy unset: \"" + key + "\" must be a key without a value");
    if (!options.persist) {
        order(context, "unset-policy", arguments, false);
        return exit_done;
    }
    std::optional<PolicyView> view;
    bool is_unset = true;
    try {
        view = order(context, "unset-policy", arguments, true);
        is_unset = view.has_value();
    } catch (const ControlError& error) {
        if (error.error_class != control::was_refused) throw;
        // The drop-in has also what the run-time policy lost when the host was restarted.
        is_unset = false;
        view = context.connection().ask<PolicyView>("query-policy", arguments.target);
    }
    PolicyDropIn drop_in(options.configuration);
    try {
        drop_in.unset(lasting(arguments.target, view), arguments.keys);
        say_written(context, drop_in.file(), view);
    } catch (const NotInDropIn&) {
        if (!is_unset) throw;
        say_written(context, "", view);
    }
    return exit_done;
}

void add_target(CLI::App* verb, PolicyOptions& options) {
    CLI::Option* group =
        verb->add_option("--group", options.group, "the policy of a group")->type_name("NAME");
    CLI::Option* cgroup =
        verb->add_option("--cgroup", options.cgroup,
                         "the policy of guests in a control group, or in those of a pattern")
            ->type_name("PATH");
    CLI::Option* defaults =
        verb->add_flag("--defaults", options.defaults, "the policy of all guests");
    group->excludes(cgroup)->excludes(defaults);
    cgroup->excludes(defaults);
}

CLI::Option* add_persist(CLI::App* verb, PolicyOptions& options) {
    options.configuration = configuration_file;
    // Not of interest but to tests and to hosts that start vnumad with another file.
    verb->add_option("--config", options.configuration,
                     "with --persist: vnumad's configuration file, whose drop-in is written")
        ->type_name("FILE")
        ->capture_default_str();
    return verb->add_flag("--persist", options.persist,
                          "also for later starts of vnumad, in a drop-in of its configuration");
}

}  // namespace

PolicyTarget take_target(PolicyOptions& options, bool needed) {
    PolicyTarget target;
    if (!options.group.empty()) target.group = options.group;
    if (!options.cgroup.empty()) target.cgroup = options.cgroup;
    if (options.has_target()) return target;
    if (options.words.empty()) {
        if (!needed) return target;
        throw UsageError("whose policy? Give a guest, --group, --cgroup or --defaults");
    }
    target.guest = options.words.front();
    options.words.erase(options.words.begin());
    return target;
}

std::vector<control::Setting> parse_settings(const std::vector<std::string>& words) {
    if (words.empty()) throw UsageError("nothing is set: KEY=VALUE is missing, as in mode=observe");
    std::vector<control::Setting> settings;
    for (const std::string& word : words) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            throw UsageError("\"" + word + "\" must be KEY=VALUE, as in mode=observe");
        settings.push_back({word.substr(0, equals), word.substr(equals + 1)});
    }
    return settings;
}

std::string format_policy(const PolicyView& view, const Terminal& terminal) {
    std::string text = heading(view.target, terminal) + format_policy_values(view.values, terminal);
    for (const std::string& problem : view.problems)
        text += paragraph(problem, terminal, "Problem: ");
    return text;
}

void add_policy(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(app, telling,
                              {"policy", "policies of guests, groups and all: get, set, unset",
                               "vnumactl policy set web1 mode=observe --until 2h"});
    verb->require_subcommand(1);
    CLI::App* get = add_verb(
        *verb, "Verbs",
        {"get", "the values in force, and who has set them", "vnumactl policy get --group db"});
    const auto of_get = std::make_shared<PolicyOptions>();
    get->add_option("GUEST", of_get->words, "name, id, UUID or pid; without it, the defaults");
    add_target(get, *of_get);
    get->callback([&context, of_get] {
        context.run = [&context, of_get] { return run_get(context, *of_get); };
    });

    CLI::App* set = add_verb(*verb, "Verbs",
                             {"set", "set values until the host restarts, or for ever",
                              "vnumactl policy set web1 mode=observe home=1 --until 2h"});
    const auto of_set = std::make_shared<PolicyOptions>();
    set->add_option("[GUEST] KEY=VALUE", of_set->words,
                    "the guest, and what is set: mode, group, nodes, home, memory, priority; of "
                    "groups also arrangement");
    add_target(set, *of_set);
    CLI::Option* until =
        set->add_option("--until", of_set->until, "unset after this time")->type_name("DURATION");
    set->add_flag("--absent", of_set->absent,
                  "the guest need not run: the policy holds once it does");
    add_persist(set, *of_set)->excludes(until);
    set->callback([&context, of_set] {
        context.run = [&context, of_set] { return run_set(context, *of_set); };
    });

    CLI::App* unset = add_verb(
        *verb, "Verbs",
        {"unset", "take values back that were set at run time", "vnumactl policy unset web1 home"});
    const auto of_unset = std::make_shared<PolicyOptions>();
    unset->add_option("[GUEST] [KEY]", of_unset->words, "the guest, and keys; without keys, all");
    add_target(unset, *of_unset);
    add_persist(unset, *of_unset);
    unset->callback([&context, of_unset] {
        context.run = [&context, of_unset] { return run_unset(context, *of_unset); };
    });
}

}  // namespace vnuma::ctl
