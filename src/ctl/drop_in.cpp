#include "src/ctl/drop_in.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "src/config/config.hpp"
#include "src/config/policy_sections.hpp"
#include "src/config/text_file.hpp"
#include "src/control/orders/policy_change.hpp"
#include "src/ctl/atomic_file.hpp"

namespace vnuma::ctl {
namespace {

using config_text::RunTimeSections;

constexpr const char* header =
    "# Policies that `vnumactl policy set --persist` keeps. It writes this file anew each time, "
    "and\n"
    "# then comments are lost. Other files in this directory are never written.\n";

bool exists(const std::string& file) {
    if (::access(file.c_str(), F_OK) == 0) return true;
    if (errno == ENOENT) return false;
    throw Failed(file + ": cannot be read");
}

// The files of the configuration. Where there is no main file, the drop-in may be there already.
std::vector<ConfigText> read_texts(const std::string& configuration, const std::string& drop_in) {
    if (exists(configuration)) return read_config(configuration);
    if (!exists(drop_in)) return {};
    FileText content = read_text_file(drop_in);
    if (!content.problem.empty()) throw Failed(drop_in + ": " + content.problem);
    return {{std::move(content.text), drop_in}};
}

// Takes the text of the file out of the others; empty if there is none.
std::string take_text(std::vector<ConfigText>& texts, const std::string& file) {
    const auto found = std::find_if(texts.begin(), texts.end(),
                                    [&](const ConfigText& one) { return one.origin == file; });
    if (found == texts.end()) return "";
    std::string text = std::move(found->text);
    texts.erase(found);
    return text;
}

// In the place that its name gives it.
void insert_text(std::vector<ConfigText>& texts, ConfigText text) {
    const auto after =
        std::find_if(texts.begin() + (texts.empty() ? 0 : 1), texts.end(),
                     [&](const ConfigText& one) { return one.origin > text.origin; });
    texts.insert(after, std::move(text));
}

void make_directory(const std::string& file) {
    std::error_code error;
    const auto directory = std::filesystem::path(file).parent_path();
    std::filesystem::create_directories(directory, error);
    if (error) throw Failed(directory.string() + " cannot be made: " + error.message());
}

}  // namespace

PolicyDropIn::PolicyDropIn(std::string configuration)
    : configuration_(std::move(configuration)), file_(configuration_ + ".d/" + drop_in_name) {}

template <typename Change>
void PolicyDropIn::edit(const Change& change) {
    try {
        std::vector<ConfigText> texts = read_texts(configuration_, file_);
        const std::string before = take_text(texts, file_);
        const HostPolicy host = parse_config(texts).policy;
        // It has the sections that a run-time policy has.
        RunTimeSections sections = config_text::parse_run_time_policy(before, file_, host);
        if (!sections.ends.empty())
            throw Failed(file_ +
                         ": has sections that end (until), which are for the run-time "
                         "policy only; remove them first");
        if (const std::optional<control::Refused> refused = change(sections, host))
            throw Failed(refused->description);
        const std::string text = header + config_text::run_time_policy_to_toml(sections, host);
        insert_text(texts, {text, file_});
        parse_config(texts);
        make_directory(file_);
        replace_file(file_, text);
    } catch (const ConfigError& error) {
        throw Failed(file_ +
                     " is not written: the configuration has a mistake: " + error.problems.front());
    } catch (const nlohmann::json::exception&) {
        throw Failed(file_ + " is not written: the name of a section must be UTF-8");
    }
}

void PolicyDropIn::set(const control::PolicyTarget& target,
                       const std::vector<control::Setting>& settings) {
    const auto section = control::section_of(target);
    if (const auto* refused = std::get_if<control::Refused>(&section))
        throw UsageError(refused->description);
    edit([&](RunTimeSections& sections, const HostPolicy& host) {
        return control::set_values(sections, host, std::get<control::PolicySection>(section),
                                   settings, std::nullopt, 0);
    });
}

void PolicyDropIn::unset(const control::PolicyTarget& target,
                         const std::vector<std::string>& keys) {
    const auto section = control::section_of(target);
    if (const auto* refused = std::get_if<control::Refused>(&section))
        throw UsageError(refused->description);
    edit([&](RunTimeSections& sections, const HostPolicy& host) {
        auto refused =
            control::unset_values(sections, host, std::get<control::PolicySection>(section), keys);
        if (refused && std::string_view(refused->error_class) == control::was_refused)
            throw NotInDropIn(file_ + ": " + refused->description);
        return refused;
    });
}

}  // namespace vnuma::ctl
