#include "src/ctl/verbs/explain.hpp"

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "src/ctl/arguments.hpp"
#include "src/ctl/prose.hpp"
#include "src/ctl/units.hpp"
#include "src/ctl/verbs.hpp"
#include "src/ctl/verbs/events.hpp"

namespace vnuma::ctl {
namespace {

struct ExplainOptions {
    std::string guest, since;
};

std::string list_sentences(const char* title, const std::vector<std::string>& sentences,
                           const Terminal& terminal) {
    if (sentences.empty()) return "";
    std::string text = std::string("  ") + title + "\n";
    for (const std::string& sentence : sentences)
        text += paragraph(sentence, terminal, "  - ");
    return text;
}

std::string format_cell(const control::CellExplanation& cell, const Terminal& terminal) {
    std::string name = "Cell " + std::to_string(cell.cell);
    if (cell.shard) name += ", shard " + std::to_string(*cell.shard);
    std::string text = "\n" + heading(name, terminal);
    for (const std::string* sentence : {&cell.where_it_is, &cell.where_it_should_be, &cell.why})
        if (!sentence->empty()) text += paragraph(*sentence, terminal, "  ");
    return text + list_sentences("Why not elsewhere:", cell.elsewhere, terminal) +
           list_sentences("In the way:", cell.in_the_way, terminal) +
           list_sentences("What you could change:", cell.could_change, terminal);
}

int run_explain(Context& context, const ExplainOptions& options) {
    Connection& connection = context.connection();
    control::SinceArguments since;
    if (!options.since.empty())
        since = {read_since("--since", options.since, now_ms()), options.guest,
                 control::max_requested_entries};
    nlohmann::json reply;
    std::optional<ControlError> ended;
    try {
        reply = connection.call("query-explanation",
                                control::to_json(control::GuestArgument{options.guest}));
    } catch (const ControlError& error) {
        if (options.since.empty() || error.error_class != control::guest_not_found) throw;
        ended = error;
    }
    control::PastEvents past;
    if (!options.since.empty()) past = ask_past_events(connection, since);
    // The history knows guests that have ended. A name that it does not know either is a mistake.
    if (ended && past.events.empty()) throw *ended;
    if (context.options.json) {
        context.print_json(
            options.since.empty()
                ? reply
                : nlohmann::json{{"explanation", reply}, {"past", control::to_json(past)}});
        return exit_done;
    }
    const Terminal terminal = context.terminal();
    std::string text = ended ? paragraph(options.guest + " does not run any more.", terminal)
                             : format_explanation(Connection::read_reply<control::Explanation>(
                                                      "query-explanation", reply),
                                                  terminal);
    if (!options.since.empty())
        text += "\n" + heading("Since " + format_time(since.since_ms), terminal) +
                format_past_events(past, terminal);
    context.print(text);
    return exit_done;
}

}  // namespace

std::string format_explanation(const control::Explanation& explanation, const Terminal& terminal) {
    std::string text = heading(explanation.name + " (" + explanation.uuid + ")", terminal);
    for (const std::string& sentence : explanation.guest)
        text += paragraph(sentence, terminal);
    for (const control::CellExplanation& cell : explanation.cells)
        text += format_cell(cell, terminal);
    return text;
}

void add_explain(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(
        app, asking,
        {"explain", "in sentences: where a guest is, where it should be, why, what is in the way",
         "vnumactl explain web1 --since 1h"});
    const auto options = std::make_shared<ExplainOptions>();
    verb->add_option("GUEST", options->guest, "name, id, UUID or pid")->required();
    verb->add_option("--since", options->since,
                     "also what was done to it since then: a duration (\"1h\") or a time")
        ->type_name("TIME");
    verb->callback([&context, options] {
        context.run = [&context, options] { return run_explain(context, *options); };
    });
}

}  // namespace vnuma::ctl
