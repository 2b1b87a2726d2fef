#include "src/ctl/verbs/events.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "src/control/protocol/commands.hpp"
#include "src/ctl/arguments.hpp"
#include "src/ctl/guest_words.hpp"
#include "src/ctl/prose.hpp"
#include "src/ctl/units.hpp"
#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

using control::EventKind;
using control::Happening;

constexpr std::int64_t one_day_ms = 86'400'000;
// Shown before those that --follow waits for, unless --since tells otherwise.
constexpr std::size_t shown_before_following = 10;
constexpr std::size_t kind_width = 15;  // of VERDICT_CHANGED

struct EventsOptions {
    bool follow = false;
    std::string since;
    std::string guest;
};

Colour colour_of(EventKind kind) {
    switch (kind) {
        case EventKind::trouble:
        case EventKind::refused:
            return Colour::red;
        case EventKind::conflict:
        case EventKind::felt:
        case EventKind::hands_off:
            return Colour::yellow;
        default:
            return Colour::none;
    }
}

control::SinceArguments arguments_of(const EventsOptions& options) {
    control::SinceArguments arguments;
    arguments.limit = control::max_requested_entries;
    arguments.since_ms = std::max<std::int64_t>(0, now_ms() - one_day_ms);
    if (!options.since.empty()) arguments.since_ms = read_since("--since", options.since, now_ms());
    if (!options.guest.empty()) arguments.guest = options.guest;
    return arguments;
}

void print_event(Context& context, const Happening& happening) {
    if (context.options.json)
        context.print(
            control::to_json(happening).dump(-1, ' ', false, JsonOut::error_handler_t::replace) +
            "\n");
    else
        context.print(format_event(happening, context.terminal()));
}

// Until a signal ends vnumactl, or vnumad ends. An event may have come between the connection and
// the list, and then it is in both.
int follow(Context& context, const std::string& uuid, const std::vector<Happening>& shown) {
    while (true) {
        const auto event = context.connection().next_event(std::nullopt);
        if (!event) continue;
        const Happening happening = happening_of(*event);
        // Lost events may have been about this guest.
        const bool is_lost = event->name == control::events_lost_event;
        if (!uuid.empty() && happening.uuid != uuid && !is_lost) continue;
        if (std::find(shown.begin(), shown.end(), happening) == shown.end())
            print_event(context, happening);
    }
}

int run_events(Context& context, const EventsOptions& options) {
    const control::SinceArguments arguments = arguments_of(options);
    Connection& connection = context.connection();
    if (!options.follow) {
        const nlohmann::json reply = connection.call("query-events", control::to_json(arguments));
        if (context.options.json)
            context.print_json(reply);
        else
            context.print(format_past_events(
                Connection::read_reply<control::PastEvents>("query-events", reply),
                context.terminal()));
        return exit_done;
    }
    const control::PastEvents past = ask_past_events(connection, arguments);
    if (!past.problem.empty()) std::cerr << "vnumactl: " << past.problem << "\n";
    const std::vector<Happening>& all = past.events;
    std::string uuid;
    if (arguments.guest)
        uuid =
            connection
                .ask<control::GuestDetails>("query-guest", control::GuestArgument{*arguments.guest})
                .summary.uuid;
    const bool few = options.since.empty() && all.size() > shown_before_following;
    for (std::size_t i = few ? all.size() - shown_before_following : 0; i < all.size(); ++i)
        print_event(context, all[i]);
    return follow(context, uuid, all);
}

}  // namespace

std::string format_event(const Happening& happening, const Terminal& terminal) {
    std::string kind = name(happening.kind);
    kind.resize(std::max(kind.size(), kind_width), ' ');
    const std::string part = format_part(happening.guest, happening.cell, happening.shard);
    const std::string rest =
        terminal.plain((happening.guest.empty() ? "" : part + ": ") + happening.text);
    const std::string begin = format_time(happening.time_ms) + "  " + kind + "  ";
    const int left = terminal.width - static_cast<int>(begin.size());
    // A narrow terminal wraps long lines itself, which is better than three letters of the text.
    constexpr int least_text = 20;
    return format_time(happening.time_ms) + "  " + terminal.paint(kind, colour_of(happening.kind)) +
           "  " +
           (left >= least_text
                ? paragraph(rest, terminal, std::string(begin.size(), ' ')).substr(begin.size())
                : rest + "\n");
}

control::PastEvents ask_past_events(Connection& connection,
                                    const control::SinceArguments& arguments) {
    try {
        return connection.ask<control::PastEvents>("query-events", arguments);
    } catch (const ControlError& error) {
        if (error.error_class != control::was_refused) throw;
        return {{}, error.what()};
    }
}

std::string format_past_events(const control::PastEvents& past, const Terminal& terminal) {
    std::string text;
    if (!past.problem.empty())
        text = paragraph("Not all that happened is known: " + past.problem + ".", terminal);
    else if (past.events.empty())
        text = "Nothing happened.\n";
    for (const Happening& happening : past.events)
        text += format_event(happening, terminal);
    return text;
}

Happening happening_of(const ControlEvent& event) {
    try {
        for (const auto& [kind, name] : control::event_kinds)
            if (event.name == name)
                return control::happening_from_event(kind, event.time_ms, event.data, false);
    } catch (const FormatError&) {
        // It is shown by its name.
    }
    Happening unknown;
    unknown.time_ms = event.time_ms;
    unknown.text = event.name == control::events_lost_event
                       ? "events were lost because they were read too slowly"
                       : "an event that this vnumactl does not know: " + event.name;
    return unknown;
}

void add_events(CLI::App& app, Context& context) {
    CLI::App* verb =
        add_verb(app, asking,
                 {"events", "what happened: homes, moves, refusals, conflicts, trouble",
                  "vnumactl events --since 2h web1"});
    const auto options = std::make_shared<EventsOptions>();
    verb->add_flag("-f,--follow", options->follow, "go on with what happens from now on, until ^C");
    verb->add_option("--since", options->since, "a duration (\"1h\") or a time (24h)")
        ->type_name("TIME");
    verb->add_option("GUEST", options->guest,
                     "name, id, UUID or pid; without it, all and the host");
    verb->callback([&context, options] {
        context.run = [&context, options] { return run_events(context, *options); };
    });
}

}  // namespace vnuma::ctl
