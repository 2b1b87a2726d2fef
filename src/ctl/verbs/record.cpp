// `vnumactl record`, `replay`, `whatif` and `plot`: see also src/ctl/whatif and src/ctl/plot.
#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <memory>

#include "src/control/protocol/commands.hpp"
#include "src/ctl/arguments.hpp"
#include "src/ctl/plot/plot.hpp"
#include "src/ctl/prose.hpp"
#include "src/ctl/stop_signal.hpp"
#include "src/ctl/verbs.hpp"
#include "src/ctl/whatif/whatif.hpp"
#include "src/record/record_file.hpp"

namespace vnuma::ctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Written {
    long long plans = 0;
    long long lost = 0;  // which the recording lacks
};

// Until the time is over, or a signal comes.
Written write_plans(Connection& connection, RecordFile& file,
                    std::optional<steady_clock::time_point> end) {
    const StopSignal stop;
    Written written;
    while (!stop.has_come()) {
        std::optional<milliseconds> left;
        if (end) left = std::chrono::ceil<milliseconds>(*end - steady_clock::now());
        if (left && left->count() <= 0) break;
        const auto event = connection.next_event(left, stop.descriptor());
        if (event && event->name == control::events_lost_event)
            written.lost += event->data.value("count", 1LL);
        if (!event || event->name != control::plan_event) continue;
        const std::string problem =
            file.append(event->data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        if (!problem.empty()) throw Failed(problem);
        ++written.plans;
    }
    written.lost += static_cast<long long>(connection.lost_events());
    return written;
}

int run_record(Context& context, const std::string& file, const std::string& length) {
    std::optional<milliseconds> lasts;
    if (!length.empty()) lasts = milliseconds(read_duration("--for", length));
    Connection& connection = context.connection();
    connection.call("set-events", control::to_json(control::EventsArguments{false, true}));
    RecordFile recording(file);
    if (!context.options.json)
        context.say("Each plan is written to " + file + (lasts ? "." : " until ^C."));
    std::optional<steady_clock::time_point> end;
    if (lasts) end = steady_clock::now() + *lasts;
    const Written written = write_plans(connection, recording, end);
    if (context.options.json)
        context.print_json({{"file", file}, {"plans", written.plans}, {"lost", written.lost}});
    else
        context.say(count_of(written.plans, "plan was", "plans were") + " written to " + file +
                    ".");
    if (written.lost == 0) return exit_done;
    if (!context.options.json)
        std::cerr << "vnumactl: the recording lacks " << count_of(written.lost, "plan", "plans")
                  << ", which came faster than they were written, or were too long to be sent\n";
    return exit_failed;
}

void add_record(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(app, recordings,
                              {"record", "write each plan, and what it was made from, to a file",
                               "vnumactl record evening.jsonl --for 1h"});
    const auto file = std::make_shared<std::string>(), length = std::make_shared<std::string>();
    verb->add_option("FILE", *file, "recording; it is continued if it is there")->required();
    verb->add_option("--for", *length, "how long (until ^C)")->type_name("DURATION");
    verb->callback([&context, file, length] {
        context.run = [&context, file, length] { return run_record(context, *file, *length); };
    });
}

void add_replay(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(app, recordings,
                              {"replay", "make the plans of a recording again, and compare",
                               "vnumactl replay evening.jsonl"});
    const auto file = std::make_shared<std::string>();
    verb->add_option("FILE", *file, "recording")->required();
    verb->callback([&context, file] {
        context.run = [&context, file] { return run_replay(context, *file); };
    });
}

void add_whatif(CLI::App& app, Context& context) {
    CLI::App* verb =
        add_verb(app, recordings,
                 {"whatif", "what other settings, or another host, would have made of a recording",
                  "vnumactl whatif evening.jsonl --set planner.margin=0.2 --without web1"});
    const auto options = std::make_shared<WhatIfOptions>();
    verb->add_option("FILE", options->file, "recording")->required();
    verb->add_option("--set", options->settings, "a setting of the configuration; may be repeated")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    verb->add_flag("--add-node", options->add_nodes,
                   "one more node like the last one; may be repeated");
    verb->add_option("--without", options->without,
                     "as if this guest were not there; may be "
                     "repeated")
        ->type_name("GUEST")
        ->allow_extra_args(false);
    verb->callback([&context, options] {
        context.run = [&context, options] { return run_whatif(context, *options); };
    });
}

void add_plot(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(app, recordings,
                              {"plot", "a page that shows a recording, or vnumad's last hours",
                               "vnumactl plot --since 6h --output night.html"});
    const auto options = std::make_shared<PlotOptions>();
    const auto since = std::make_shared<std::string>();
    verb->add_option("FILE", options->file, "recording; without it, what vnumad remembers");
    verb->add_option("-o,--output", options->output, "the page; - is the standard output")
        ->type_name("FILE");
    verb->add_option("--since", *since, "how far back (all)")->type_name("DURATION");
    verb->callback([&context, options, since] {
        context.run = [&context, options, since] {
            if (!since->empty()) options->since_ms = read_duration("--since", *since);
            return run_plot(context, *options);
        };
    });
}

}  // namespace

void add_recordings(CLI::App& app, Context& context) {
    add_record(app, context);
    add_replay(app, context);
    add_whatif(app, context);
    add_plot(app, context);
}

}  // namespace vnuma::ctl
