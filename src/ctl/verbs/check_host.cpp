#include "src/ctl/verbs/check_host.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "src/ctl/prose.hpp"
#include "src/ctl/table.hpp"
#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

Colour colour_of(FeatureState state) {
    switch (state) {
        case FeatureState::good:
            return Colour::green;
        case FeatureState::limited:
            return Colour::yellow;
        case FeatureState::missing:
            return Colour::red;
    }
    return Colour::none;
}

int run_check_host(Context& context) {
    HostRoots roots;
    roots.control_sockets = context.sockets();
    const std::vector<Feature> features = judge_host(read_host_facts(roots));
    if (context.options.json)
        context.print_json(features_as_json(features));
    else
        context.print(format_features(features, context.terminal()));
    return can_work(features) ? exit_done : exit_failed;
}

}  // namespace

// The table has no long texts, so that they can be wrapped below it.
std::string format_features(const std::vector<Feature>& features, const Terminal& terminal) {
    Table table({{"FEATURE"}, {"STATE"}, {"FOUND", Align::left, true}});
    for (const Feature& feature : features)
        table.add({feature.name, {name(feature.state), colour_of(feature.state)}, feature.found});
    std::string text = table.print(terminal);
    for (const Feature& feature : features) {
        if (feature.state == FeatureState::good) continue;
        text += "\n" + paragraph(feature.found, terminal, feature.name + ": ");
        if (!feature.remedy.empty()) text += "    " + terminal.plain(feature.remedy) + "\n";
    }
    return text;
}

nlohmann::json features_as_json(const std::vector<Feature>& features) {
    nlohmann::json all = nlohmann::json::array();
    for (const Feature& feature : features) {
        nlohmann::json one{
            {"feature", feature.name}, {"state", name(feature.state)}, {"found", feature.found}};
        if (!feature.remedy.empty()) one["remedy"] = feature.remedy;
        all.push_back(std::move(one));
    }
    return all;
}

bool can_work(const std::vector<Feature>& features) {
    return std::none_of(features.begin(), features.end(), [](const Feature& feature) {
        return feature.state == FeatureState::missing;
    });
}

void add_check_host(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(
        app, hosts,
        {"check-host", "what this host has for vnumad, what is missing, and how to mend it",
         "sudo vnumactl check-host"});
    verb->callback([&context] { context.run = [&context] { return run_check_host(context); }; });
}

}  // namespace vnuma::ctl
