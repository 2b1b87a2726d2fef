#include "src/ctl/whatif/whatif.hpp"

#include <iostream>

#include "src/ctl/whatif/changes.hpp"
#include "src/ctl/whatif/comparison.hpp"
#include "src/record/record_reader.hpp"
#include "src/record/replay.hpp"

namespace vnuma::ctl {
namespace {

// Throws RecordingError and ChangeError.
Comparison compare(const std::string& file, Changes& changes) {
    RecordReader reader(file);
    ImaginedHost recorded, changed;
    std::size_t ticks = 0;
    while (const std::optional<Record> record = reader.next()) {
        recorded.step(*record);
        changed.step(changes.apply(*record));
        ++ticks;
    }
    if (ticks == 0) throw RecordingError(file + ": has no ticks");
    return {changes.to_text(), recorded.finish(), changed.finish()};
}

std::string why_unknown(const Changes& changes) {
    std::string text = "--without " + changes.unknown_guests().front() +
                       ": the recording has no such guest; it has";
    for (const std::string& name : changes.seen_guests())
        text += " " + quoted(name);
    return text +
           (changes.seen_guests().size() == Changes::named_guests ? " and maybe others" : "");
}

}  // namespace

int run_whatif(const Context& context, const WhatIfOptions& options) {
    try {
        Changes changes(options.settings, options.add_nodes, options.without);
        if (changes.empty())
            throw UsageError("whatif needs something to change: --set, --add-node or --without");
        const Comparison comparison = compare(options.file, changes);
        if (!changes.unknown_guests().empty()) throw UsageError(why_unknown(changes));
        if (context.options.json)
            context.print_json(nlohmann::json(to_json(comparison)));
        else
            context.print(format_comparison(comparison, context.terminal()));
        return exit_done;
    } catch (const ChangeError& error) {
        throw UsageError(error.what());
    }
}

int run_replay(const Context& context, const std::string& file) {
    nlohmann::json differences = nlohmann::json::array();
    Replayed done;
    if (context.options.json) {
        done = replay(file, [&](Millis now, const std::string& difference) {
            if (differences.size() < max_listed_differences)
                differences.push_back({{"time_ms", now}, {"difference", difference}});
        });
        context.print_json({{"plans", done.plans},
                            {"different", done.different},
                            {"differences", std::move(differences)}});
    } else {
        done = replay(file, std::cout);
    }
    return done.different == 0 ? exit_done : exit_plans_differ;
}

}  // namespace vnuma::ctl
