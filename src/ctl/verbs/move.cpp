// `vnumactl move GUEST HOME`.
#include <CLI/CLI.hpp>
#include <memory>

#include "policy/model/number_list.hpp"
#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

struct MoveOptions {
    std::string guest, home;
    bool force = false;
};

int run_move(Context& context, const MoveOptions& options) {
    const auto home = parse_node_sequence(options.home);
    if (!home)
        throw UsageError("move: the home \"" + options.home +
                         "\" must be a node, or a node for each cell: \"1\", \"1,0\", \"0-3\"");
    const nlohmann::json reply = context.connection().call(
        "move", control::to_json(control::MoveArguments{options.guest, *home, options.force}));
    const auto move = Connection::read_reply<control::MoveReply>("move", reply);
    if (context.options.json) {
        context.print_json(reply);
        return move.accepted ? exit_done : exit_failed;
    }
    if (!move.accepted)
        throw Failed(options.guest + " is not moved: " + move.opinion +
                     (options.force ? "" : " (--force moves it all the same, if it can be)"));
    context.say(options.guest + " moves to " + (home->size() == 1 ? "node " : "nodes ") +
                format_number_list(*home) + ". " + move.opinion);
    return exit_done;
}

}  // namespace

void add_move(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(
        app, telling,
        {"move", "give a guest another home, once, if the planner agrees", "vnumactl move web1 1"});
    const auto options = std::make_shared<MoveOptions>();
    verb->add_option("GUEST", options->guest, "name, id, UUID or pid")->required();
    verb->add_option("HOME", options->home, "the node, or a node for each cell: \"1,0\"")
        ->required();
    verb->add_flag("--force", options->force, "also where the planner says that it costs more");
    verb->callback([&context, options] {
        context.run = [&context, options] { return run_move(context, *options); };
    });
}

}  // namespace vnuma::ctl
