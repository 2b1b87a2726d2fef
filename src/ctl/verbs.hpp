// The verbs of vnumactl. Each function adds one verb, or a few of a kind, to the command line. A
// verb that the command line has puts itself, with its options, into Context::run.
#pragma once

#include <CLI/App.hpp>

#include "src/ctl/context.hpp"

namespace vnuma::ctl {

// Groups of verbs in `vnumactl --help`, in this order.
inline constexpr const char* asking = "Look";
inline constexpr const char* telling = "Act";
inline constexpr const char* recordings = "Record and imagine";
inline constexpr const char* hosts = "Install and monitor";

void add_status(CLI::App& app, Context& context);
void add_list(CLI::App& app, Context& context);
void add_show(CLI::App& app, Context& context);
void add_explain(CLI::App& app, Context& context);
void add_top(CLI::App& app, Context& context);
void add_events(CLI::App& app, Context& context);
void add_group(CLI::App& app, Context& context);
void add_policy(CLI::App& app, Context& context);
void add_move(CLI::App& app, Context& context);
void add_freeze_thaw_restore(CLI::App& app, Context& context);
void add_place(CLI::App& app, Context& context);
void add_recordings(CLI::App& app, Context& context);  // record, replay, whatif, plot
void add_metrics(CLI::App& app, Context& context);
void add_check_host(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);

struct VerbWords {
    const char* name;
    const char* description;
    const char* example;  // a command
};

// A subcommand, after which global options may follow as well.
CLI::App* add_verb(CLI::App& parent, const char* group, const VerbWords& words);

// All of the command line. Both arguments must outlive what it is used for.
void describe_command_line(CLI::App& app, Context& context);

// A description of what is wrong with the command line, with the nearest verb where there is one.
// A sentence without its end.
std::string describe_usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace vnuma::ctl
