// `vnumactl freeze`, `thaw` and `restore`: emergency stop and undo.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>

#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

struct RestoreOptions {
    std::string guest;
    bool yes = false;
};

int run_order(Context& context, const char* command, const std::string& guest) {
    control::GuestOrAll arguments;
    if (!guest.empty()) arguments.guest = guest;
    const nlohmann::json reply = context.connection().call(command, control::to_json(arguments));
    if (context.options.json)
        context.print_json(reply);
    else
        context.say(Connection::read_reply<control::Done>(command, reply).what);
    return exit_done;
}

bool is_confirmed() {
    std::cout
        << "Pins of all guests are put back as their owners had them, the guests are left alone "
           "from then on, and vnumad is frozen. Restore all? [y/N] "
        << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

int run_restore(Context& context, const RestoreOptions& options) {
    const bool asks =
        options.guest.empty() && !options.yes && ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO);
    if (asks && !is_confirmed()) throw Failed("nothing is restored");
    return run_order(context, "restore", options.guest);
}

}  // namespace

void add_freeze_thaw_restore(CLI::App& app, Context& context) {
    CLI::App* freeze = add_verb(
        app, telling,
        {"freeze", "stop: nothing is done any more to all guests, or to one", "vnumactl freeze"});
    const auto frozen = std::make_shared<std::string>();
    freeze->add_option("GUEST", *frozen, "only this one");
    freeze->callback([&context, frozen] {
        context.run = [&context, frozen] { return run_order(context, "freeze", *frozen); };
    });
    CLI::App* thaw =
        add_verb(app, telling,
                 {"thaw", "go on after a freeze, with all guests or one", "vnumactl thaw web1"});
    const auto thawed = std::make_shared<std::string>();
    thaw->add_option("GUEST", *thawed, "only this one");
    thaw->callback([&context, thawed] {
        context.run = [&context, thawed] { return run_order(context, "thaw", *thawed); };
    });
    CLI::App* restore =
        add_verb(app, telling,
                 {"restore", "undo: put pins back as the owners had them, of all guests or one",
                  "vnumactl restore web1"});
    const auto options = std::make_shared<RestoreOptions>();
    restore->add_option("GUEST", options->guest, "only this one");
    restore->add_flag("-y,--yes", options->yes, "restore all without a question");
    restore->callback([&context, options] {
        context.run = [&context, options] { return run_restore(context, *options); };
    });
}

}  // namespace vnuma::ctl
