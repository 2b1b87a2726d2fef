// `vnumactl metrics`.
#include <CLI/CLI.hpp>
#include <memory>
#include <sstream>

#include "src/ctl/atomic_file.hpp"
#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

// Names of guests may have bytes that a terminal would obey.
void print_metrics(const Context& context, const std::string& text) {
    const Terminal terminal = context.terminal();
    if (!terminal.understands_codes) return context.print(text);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        context.print(terminal.plain(line) + "\n");
}

int run_metrics(Context& context, const std::string& output) {
    const nlohmann::json reply = context.connection().call("query-metrics");
    if (!reply.is_string()) throw Failed("vnumad's metrics are no text");
    const auto& text = reply.get_ref<const std::string&>();
    if (!output.empty())
        replace_file(output, text);
    else if (context.options.json)
        context.print_json(reply);
    else
        print_metrics(context, text);
    return exit_done;
}

}  // namespace

void add_metrics(CLI::App& app, Context& context) {
    CLI::App* verb =
        add_verb(app, hosts,
                 {"metrics", "metrics in Prometheus' text format",
                  "vnumactl metrics --output /var/lib/prometheus/node-exporter/vnumad.prom"});
    const auto output = std::make_shared<std::string>();
    verb->add_option("-o,--output", *output,
                     "write them to a file in one step, for node_exporter's textfile collector")
        ->type_name("FILE");
    verb->callback([&context, output] {
        context.run = [&context, output] { return run_metrics(context, *output); };
    });
}

}  // namespace vnuma::ctl
