// `vnumactl record`, `replay`, `whatif`, `plot` and `top`: the last four are elsewhere.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <memory>

#include "src/control/protocol/commands.hpp"
#include "src/ctl/plot/plot.hpp"
#include "src/ctl/prose.hpp"
#include "src/ctl/stop_signal.hpp"
#include "src/ctl/top/top.hpp"
#include "src/ctl/units.hpp"
#include "src/ctl/verbs.hpp"
#include "src/ctl/whatif/whatif.hpp"
#include "src/record/record_file.hpp"

namespace vnuma::ctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr double least_top_seconds = 0.2, most_top_seconds = 60;

std::int64_t duration_of(const char* option, const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration || *duration < 1)
        throw UsageError(std::string(option) + " " + text +
                         ": must be a duration: \"90s\", \"10min\", \"1h30m\"");
    return *duration;
}

// Until the time is over, or a signal comes. Returns the number of plans.
long long write_plans(Connection& connection, RecordFile& file,
                      std::optional<steady_clock::time_point> end) {
    const StopSignal stop;
    long long plans = 0;
    while (!stop.has_come()) {
        std::optional<milliseconds> left;
        if (end) left = std::chrono::ceil<milliseconds>(*end - steady_clock::now());
        if (left && left->count() <= 0) break;
        const auto event = connection.next_event(left, stop.descriptor());
        if (!event || event->name != control::plan_event) continue;
        const std::string problem =
            file.append(event->data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        if (!problem.empty()) throw Failed(problem);
        ++plans;
    }
    return plans;
}

int run_record(Context& context, const std::string& file, const std::string& length) {
    std::optional<milliseconds> lasts;
    if (!length.empty()) lasts = milliseconds(duration_of("--for", length));
    Connection& connection = context.connection();
    connection.call("set-events", control::to_json(control::EventsArguments{false, true}));
    RecordFile recording(file);
    context.say("Each plan is written to " + file + (lasts ? "." : " until ^C."));
    std::optional<steady_clock::time_point> end;
    if (lasts) end = steady_clock::now() + *lasts;
    const long long plans = write_plans(connection, recording, end);
    context.say(count_of(plans, "plan was", "plans were") + " written to " + file + ".");
    return exit_done;
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
    verb->callback([&context, file] { context.run = [file] { return run_replay(*file); }; });
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
        options->json = context.options.json;
        context.run = [options] { return run_whatif(*options); };
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
            if (!since->empty()) options->since_ms = duration_of("--since", *since);
            return run_plot(*options, options->file.empty() ? &context.connection() : nullptr);
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

void add_top(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(app, asking,
                              {"top", "full-screen live view; h in it tells what its keys do",
                               "vnumactl top --interval 2"});
    const auto seconds = std::make_shared<double>(1);
    verb->add_option("--interval", *seconds, "between two looks (1)")
        ->type_name("SECONDS")
        ->check(CLI::Range(least_top_seconds, most_top_seconds));
    verb->callback([&context, seconds] {
        context.run = [&context, seconds] {
            TopOptions options;
            options.interval = milliseconds(std::llround(*seconds * 1000));
            return run_top(context.connection(), options);
        };
    });
}

}  // namespace vnuma::ctl
