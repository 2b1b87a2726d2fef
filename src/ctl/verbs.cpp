#include "src/ctl/verbs.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "src/control/protocol/nearest.hpp"

namespace vnuma::ctl {
namespace {

std::vector<std::string> verbs_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* verb : app.get_subcommands(nullptr))
        names.push_back(verb->get_name());
    return names;
}

// "policy set"; empty for the program.
std::string path_of(const CLI::App& app) {
    if (!app.get_parent()) return "";
    const std::string parent = path_of(*app.get_parent());
    return (parent.empty() ? "" : parent + " ") + app.get_name();
}

// The verb that the command line has got to.
const CLI::App& last_verb(const CLI::App& app) {
    const CLI::App* last = &app;
    while (!last->get_subcommands().empty())
        last = last->get_subcommands().front();
    return *last;
}

std::vector<std::string> options_of(const CLI::App& verb) {
    std::vector<std::string> names;
    for (const CLI::App* app = &verb; app; app = app->get_parent())
        for (const CLI::Option* option : app->get_options())
            for (const std::string& name : option->get_lnames())
                names.push_back("--" + name);
    return names;
}

std::string meant(const std::string& word, const std::vector<std::string>& names) {
    const std::string nearest = control::nearest_name(word, names);
    return nearest.empty() ? ", see vnumactl --help" : "; did you mean \"" + nearest + "\"?";
}

// Names without values would be found in any text.
bool takes_a_verb(const CLI::App& verb) {
    return !verbs_of(verb).empty() && verb.get_subcommands().empty();
}

}  // namespace

CLI::App* add_verb(CLI::App& parent, const char* group, const VerbWords& words) {
    CLI::App* verb = parent.add_subcommand(words.name, words.description);
    verb->group(group)->fallthrough();
    verb->footer(std::string("Example: ") + words.example);
    return verb;
}

void describe_command_line(CLI::App& app, Context& context) {
    app.description("Asks vnumad about guests and their NUMA nodes, and tells it what to do.");
    app.name("vnumactl");
    app.add_option("-c,--connect", context.options.socket,
                   "control socket of vnumad; VNUMACTL_CONNECT in the environment is the same; "
                   "otherwise control.sock or control-ro.sock in /run/vnumad")
        ->type_name("SOCKET");
    app.add_flag("-q,--quiet", context.options.quiet, "say nothing of what was done");
    app.add_flag("--no-headers", context.options.no_headers, "print tables without headings");
    app.add_flag("--json", context.options.json, "print what vnumad replies, as JSON");
    app.set_version_flag("--version", VNUMA_VERSION);
    app.require_subcommand(1);
    app.footer(
        "vnumactl VERB --help tells more, with an example. Exit status: 0 done, 1 refused or "
        "failed, 2 wrong usage.");
    add_status(app, context);
    add_list(app, context);
    add_show(app, context);
    add_explain(app, context);
    add_top(app, context);
    add_events(app, context);
    add_group(app, context);
    add_policy(app, context);
    add_move(app, context);
    add_freeze_thaw_restore(app, context);
    add_place(app, context);
    add_recordings(app, context);
    add_metrics(app, context);
    add_check_host(app, context);
    add_completion(app, context);
}

std::string describe_usage_error(const CLI::App& app, const CLI::ParseError& error) {
    const CLI::App& verb = last_verb(app);
    const std::vector<std::string> left = app.remaining(true);
    const std::string path = path_of(verb);
    const auto option = std::find_if(left.begin(), left.end(), [](const std::string& word) {
        return word.size() > 1 && word.starts_with('-') && word != "--";
    });
    if (option != left.end())
        return "there is no option " + *option + (path.empty() ? "" : " of " + path) +
               meant(option->substr(0, option->find('=')), options_of(verb));
    const std::string group = path.empty() ? "" : path + " ";
    if (takes_a_verb(verb) && !left.empty())
        return "there is no verb \"" + group + left.front() + "\"" +
               meant(left.front(), verbs_of(verb));
    if (takes_a_verb(verb)) {
        std::string all;
        for (const std::string& name : verbs_of(verb))
            all += (all.empty() ? "" : ", ") + name;
        return "a verb is missing: " + group + "VERB, which is one of " + all;
    }
    if (!left.empty()) return path + ": \"" + left.front() + "\" is one argument too many";
    if (error.get_name() == "RequiredError")
        return path + ": " + error.what() + ", see vnumactl " + path + " --help";
    return (path.empty() ? "" : path + ": ") + error.what();
}

}  // namespace vnuma::ctl
