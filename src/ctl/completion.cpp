#include "src/ctl/completion.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "src/config/policy_sections.hpp"
#include "src/ctl/verbs.hpp"

namespace vnuma::ctl {
namespace {

// The words before the cursor choose a verb; options and their values in between do not matter.
constexpr std::string_view begin =
    R"sh(# bash completion for vnumactl. Made by: vnumactl completion bash
_vnumactl() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local verb= word words= files= guests= values= i
    local -a socket=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        [[ $word == -c || $word == --connect ]] && socket=(-c "${COMP_WORDS[i+1]}")
        case "$verb $word" in
)sh";
constexpr std::string_view middle = R"sh(        esac
    done
    case "$verb" in
)sh";
constexpr std::string_view before_values = R"sh(    esac
    COMPREPLY=()
    case "$verb $before" in
)sh";
constexpr std::string_view end = R"sh(    esac
    if [[ $values ]]; then
        COMPREPLY=($(compgen -W "$values" -- "$current"))
        return
    fi
    if [[ $guests && $current != -* ]]; then
        local name
        while IFS= read -r name; do
            [[ $name == "$current"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
        done < <(vnumactl "${socket[@]}" list --json 2>/dev/null |
            sed -n 's/^    "name": "\([^"\\]*\)",\{0,1\}$/\1/p')
    fi
    local IFS=$' \t\n'
    COMPREPLY+=($(compgen -W "$words" -- "$current"))
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    if [[ $files && $current != -* ]]; then
        compopt -o filenames 2>/dev/null
        local IFS=$'\n'
        COMPREPLY+=($(compgen -f -- "$current"))
    fi
}
complete -F _vnumactl vnumactl
)sh";

std::string option_words(const CLI::App& app) {
    std::string words;
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : option->get_lnames())
            words += " --" + name;
    return words;
}

bool takes(const CLI::App& app, std::string_view positional) {
    for (const CLI::Option* option : app.get_options())
        if (option->get_positional() &&
            option->get_name(true).find(positional) != std::string::npos)
            return true;
    return false;
}

// Of the policy of a guest or a group, with what comes after a key.
std::string policy_keys(const char* behind) {
    GroupOverrides values;
    const HostPolicy host;
    std::set<std::string> names;
    for (const config_text::Key& key : config_text::guest_keys(values.members, host))
        names.insert(key.name);
    for (const config_text::Key& key : config_text::group_keys(values))
        names.insert(key.name);
    std::string words;
    for (const std::string& name : names)
        words.append(" ").append(name).append(behind);
    return words;
}

// The values that an option may have, where they are a list: CLI11 describes it as "{a,b}".
std::string values_of(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    const std::size_t first = type.find('{'), last = type.find('}');
    if (first == std::string::npos || last == std::string::npos || last < first) return "";
    std::string values = type.substr(first + 1, last - first - 1);
    std::replace(values.begin(), values.end(), ',', ' ');
    return values;
}

struct Script {
    std::string verbs;   // arms of the case that finds the verb
    std::string words;   // arms of the case that has the words for each verb
    std::string values;  // arms of the case that has the values of an option
};

std::string verb_arm(const std::string& path, const std::string& word, const std::string& verb) {
    return "            \"" + path + " " + word + "\") verb='" + verb + "' ;;\n";
}

std::string value_arm(const std::string& path, const std::string& option,
                      const std::string& values) {
    return "        \"" + path + " --" + option + "\") values='" + values + "' ;;\n";
}

void describe(const CLI::App& app, const std::string& path, const std::string& inherited,
              Script& script) {
    std::string words;
    for (const CLI::Option* option : app.get_options())
        if (const std::string values = values_of(*option); !values.empty())
            for (const std::string& name : option->get_lnames())
                script.values += value_arm(path, name, values);
    for (const CLI::App* verb : app.get_subcommands(nullptr)) {
        const std::string inner = (path.empty() ? "" : path + " ") + verb->get_name();
        words += " " + verb->get_name();
        script.verbs += verb_arm(path, verb->get_name(), inner);
        describe(*verb, inner, inherited + option_words(app), script);
    }
    if (takes(app, "KEY=VALUE"))
        words += policy_keys("=");
    else if (takes(app, "KEY"))
        words += policy_keys("");
    words += option_words(app) + inherited;
    script.words += "        \"" + path + "\") words='" + words.substr(1) + "'" +
                    (takes(app, "GUEST") ? " guests=1" : "") +
                    (takes(app, "FILE") ? " files=1" : "") + " ;;\n";
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
    Script script;
    describe(app, "", "", script);
    return std::string(begin) + script.verbs + std::string(middle) + script.words +
           std::string(before_values) + script.values + std::string(end);
}

void add_completion(CLI::App& app, Context& context) {
    CLI::App* verb = add_verb(app, hosts,
                              {"completion", "a script that completes command lines of vnumactl",
                               "source <(vnumactl completion bash)"});
    const auto shell = std::make_shared<std::string>("bash");
    verb->add_option("SHELL", *shell, "bash")
        ->required()
        ->check(CLI::IsMember(std::vector<std::string>{"bash"}));
    verb->callback([&app, &context, shell] {
        context.run = [&app, &context, shell] {
            context.print(bash_completion(app));
            return exit_done;
        };
    });
}

}  // namespace vnuma::ctl
