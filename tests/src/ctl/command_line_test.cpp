// Verbs, options and what is said of mistakes.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <string_view>

#include "src/control/protocol/commands.hpp"
#include "src/ctl/completion.hpp"
#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

class CommandLine : public ::testing::Test {
  protected:
    CommandLine() { describe_command_line(app_, context_); }

    // Empty if it is right.
    std::string problem_of(std::vector<std::string> words) {
        std::reverse(words.begin(), words.end());
        try {
            app_.parse(words);
        } catch (const CLI::ParseError& error) {
            return describe_usage_error(app_, error);
        }
        return "";
    }

    Context context_;
    CLI::App app_;
};

TEST_F(CommandLine, AnUnknownVerbNamesTheNearest) {
    EXPECT_EQ(problem_of({"lst"}), "there is no verb \"lst\"; did you mean \"list\"?");
    EXPECT_EQ(problem_of({"migrate"}), "there is no verb \"migrate\", see vnumactl --help");
    EXPECT_EQ(problem_of({"policy", "sett"}),
              "there is no verb \"policy sett\"; did you mean \"set\"?");
}

TEST_F(CommandLine, AMissingVerbNamesAll) {
    EXPECT_EQ(problem_of({}).find("a verb is missing: VERB, which is one of status, list, show"),
              0u);
    EXPECT_EQ(problem_of({"policy"}),
              "a verb is missing: policy VERB, which is one of get, set, unset");
}

TEST_F(CommandLine, AnUnknownOptionNamesTheNearest) {
    EXPECT_EQ(problem_of({"list", "--sotr", "cpu"}),
              "there is no option --sotr of list; did you mean \"--sort\"?");
    EXPECT_EQ(problem_of({"list", "--jsn"}),
              "there is no option --jsn of list; did you mean \"--json\"?");
}

TEST_F(CommandLine, ArgumentsThatAreMissingOrTooManyAreNamed) {
    EXPECT_EQ(problem_of({"show"}), "show: GUEST is required, see vnumactl show --help");
    EXPECT_EQ(problem_of({"show", "a", "b"}), "show: \"b\" is one argument too many");
}

TEST_F(CommandLine, GlobalOptionsMayFollowTheVerb) {
    EXPECT_EQ(problem_of({"list", "--json", "-c", "/s"}), "");
    EXPECT_TRUE(context_.options.json);
    EXPECT_EQ(context_.options.socket, "/s");
    EXPECT_TRUE(context_.run);
}

TEST_F(CommandLine, AGuestMayHaveTheNameOfAVerb) {
    EXPECT_EQ(problem_of({"show", "list"}), "");
}

TEST_F(CommandLine, SettingsAndOptionsMayBeMixed) {
    EXPECT_EQ(problem_of({"policy", "set", "web1", "mode=observe", "--until", "2h", "priority=-5"}),
              "");
}

TEST_F(CommandLine, WhatLastsAndWhatEndsExcludeEachOther) {
    EXPECT_NE(problem_of({"policy", "set", "a", "mode=act", "--until", "2h", "--persist"}), "");
    CLI::App again;
    describe_command_line(again, context_);
    EXPECT_THROW(again.parse("policy set --group a --defaults mode=act"), CLI::ParseError);
}

TEST_F(CommandLine, WatchingNeedsNoNumber) {
    EXPECT_EQ(problem_of({"list", "--watch"}), "");
}

TEST_F(CommandLine, EachVerbHasAnExample) {
    for (const CLI::App* verb : app_.get_subcommands(nullptr)) {
        EXPECT_NE(verb->get_footer().find("Example: "), std::string::npos) << verb->get_name();
        EXPECT_FALSE(verb->get_description().empty()) << verb->get_name();
    }
}

// The verbs below `app`, with their verbs: "list", "policy", "policy set", ...
void add_verbs(const CLI::App& app, const std::string& before, std::set<std::string>& verbs) {
    for (const CLI::App* verb : app.get_subcommands(nullptr)) {
        verbs.insert(before + verb->get_name());
        add_verbs(*verb, before + verb->get_name() + " ", verbs);
    }
}

TEST_F(CommandLine, EveryCommandOfTheSocketHasItsVerb) {
    std::set<std::string> verbs;
    add_verbs(app_, "", verbs);
    for (const control::Command& command : control::commands()) {
        if (std::string_view(command.verb).empty()) continue;
        EXPECT_TRUE(verbs.contains(command.verb)) << command.name;
    }
}

TEST_F(CommandLine, TheManualHasATableOfTheVerbs) {
    std::set<std::string> documented, verbs;
    std::ifstream manual(std::string(VNUMA_DOCS) + "/vnumactl.md");
    const std::regex verb("`([a-z-]+)[^`]*`");
    for (std::string line; std::getline(manual, line);) {
        if (!line.starts_with("| `")) continue;
        const std::string cell = line.substr(0, line.find('|', 1));
        for (std::sregex_iterator at(cell.begin(), cell.end(), verb), end; at != end; ++at)
            documented.insert((*at)[1]);
    }
    for (const CLI::App* one : app_.get_subcommands(nullptr))
        verbs.insert(one->get_name());
    for (const std::string& name : verbs)
        EXPECT_TRUE(documented.contains(name)) << "docs/vnumactl.md has no verb " << name;
}

TEST_F(CommandLine, CompletionHasTheVerbsAndOptions) {
    const std::string script = bash_completion(app_);
    EXPECT_NE(script.find("\" policy\") verb='policy' ;;"), std::string::npos);
    EXPECT_NE(script.find("\"policy set\") verb='policy set' ;;"), std::string::npos);
    EXPECT_NE(script.find("\"list\") words='--help --sort --watch"), std::string::npos) << script;
    EXPECT_NE(script.find("--persist"), std::string::npos);
    EXPECT_NE(script.find("guests=1"), std::string::npos);
    EXPECT_NE(script.find("\"list --sort\") values='name "), std::string::npos) << script;
}

}  // namespace
}  // namespace vnuma::ctl
