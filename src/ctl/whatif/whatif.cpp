#include "src/ctl/whatif/whatif.hpp"

#include <iostream>

#include "src/ctl/whatif/changes.hpp"
#include "src/ctl/whatif/comparison.hpp"
#include "src/ctl/whatif/record_reader.hpp"
#include "src/record/replay.hpp"

namespace vnuma::ctl {
namespace {

int refuse(const std::string& problem) {
    std::cerr << "vnumactl: " << problem << "\n";
    return exit_bad_arguments;
}

// Throws ReplayError and ChangeError.
Comparison compare(const std::string& file, Changes& changes) {
    RecordReader reader(file);
    ImaginedHost recorded, changed;
    std::size_t ticks = 0;
    while (const std::optional<Record> record = reader.next()) {
        recorded.step(*record);
        changed.step(changes.apply(*record));
        ++ticks;
    }
    if (ticks == 0) throw ReplayError(file + ": has no ticks");
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

std::string dump(const JsonOut& json) {
    return json.dump(2, ' ', false, JsonOut::error_handler_t::replace);
}

}  // namespace

int run_whatif(const WhatIfOptions& options) {
    try {
        Changes changes(options.settings, options.add_nodes, options.without);
        if (changes.empty())
            return refuse("whatif needs something to change: --set, --add-node or --without");
        const Comparison comparison = compare(options.file, changes);
        if (!changes.unknown_guests().empty()) return refuse(why_unknown(changes));
        std::cout << (options.json ? dump(to_json(comparison)) + "\n" : to_table(comparison));
        return 0;
    } catch (const ReplayError& error) {
        return refuse(error.what());
    } catch (const ChangeError& error) {
        return refuse(error.what());
    }
}

int run_replay(const std::string& file) {
    try {
        return replay(file, std::cout).different == 0 ? 0 : exit_plans_differ;
    } catch (const ReplayError& error) {
        return refuse(error.what());
    }
}

}  // namespace vnuma::ctl
