#include "src/ctl/plot/plot.hpp"

#include <filesystem>
#include <iostream>

#include "src/ctl/atomic_file.hpp"
#include "src/ctl/plot/plot_data.hpp"
#include "src/ctl/plot/plot_page.hpp"
#include "src/record/record_reader.hpp"

namespace vnuma::ctl {
namespace {

// Of a reply. Many pages make few large replies, and each is answered at once.
constexpr int entries_of_a_page = 10'000;
// A day of minutes of a thousand guests has fewer.
constexpr int max_pages = 10'000;

plot::PlotData from_recording(const PlotOptions& options) {
    RecordReader reader(options.file);
    plot::RecordingPlot recording;
    bool is_empty = true;
    while (const std::optional<Record> record = reader.next()) {
        recording.add(*record);
        is_empty = false;
    }
    if (is_empty) throw RecordingError(options.file + ": has no ticks");
    const std::string name = std::filesystem::path(options.file).filename().string();
    return recording.finish("Recording " + name, options.since_ms);
}

plot::PlotData from_history(const PlotOptions& options, Connection& connection) {
    const std::int64_t now = now_ms();
    control::SinceArguments arguments;
    arguments.since_ms = options.since_ms && *options.since_ms < now ? now - *options.since_ms : 0;
    arguments.limit = entries_of_a_page;
    plot::HistoryPlot history;
    for (int page = 0; page < max_pages; ++page) {
        const auto reply = connection.ask<control::HistoryPage>("query-history", arguments);
        history.add(reply);
        if (!reply.next_ms) return history.finish("vnumad's history", options.since_ms);
        if (*reply.next_ms <= arguments.since_ms) break;
        arguments.since_ms = *reply.next_ms;
    }
    throw Failed("vnumad's history does not end: it has more than " + std::to_string(max_pages) +
                 " pages, or one that leads to itself");
}

std::string output_of(const PlotOptions& options) {
    if (!options.output.empty()) return options.output;
    if (options.file.empty()) return "vnumad.html";
    return std::filesystem::path(options.file).filename().replace_extension(".html").string();
}

}  // namespace

int run_plot(Context& context, const PlotOptions& options) {
    const std::string page =
        plot::to_page(options.file.empty() ? from_history(options, context.connection())
                                           : from_recording(options));
    const std::string output = output_of(options);
    if (output == "-") {
        context.print(page);
        return exit_done;
    }
    constexpr mode_t owner_only = 0600;
    replace_file(output, page, owner_only);
    if (context.options.json)
        context.print_json({{"page", output}});
    else if (!context.options.quiet)
        std::cerr << "The page is in " << output
                  << "; only you can read it. Open it in a browser.\n";
    return exit_done;
}

}  // namespace vnuma::ctl
