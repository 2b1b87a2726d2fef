#include "src/control/orders/policy_editor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"
#include "src/config/config.hpp"
#include "src/config/run_time_policy.hpp"
#include "src/config/text_file.hpp"

namespace vnuma::control {
namespace {

using config_text::RunTimeSections;

constexpr const char* header =
    "# The run-time policy. vnumad writes this file anew when an operator sets a value by "
    "command,\n"
    "# and then comments are lost.\n";

std::string last_error(const char* what) {
    return std::string(what) + ": " + std::generic_category().message(errno);
}

// Removes a file that was not renamed.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::string file) : file_(std::move(file)) { ::unlink(file_.c_str()); }
    ~TemporaryFile() {
        if (!file_.empty()) ::unlink(file_.c_str());
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    // Returns what went wrong, or an empty string.
    std::string write(const std::string& text) const {
        const FileDescriptor fd(
            ::open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!fd) return last_error(file_.c_str());
        // The umask may have taken more.
        if (::fchmod(fd.get(), 0600) != 0 || !write_all(fd.get(), text) || ::fsync(fd.get()) != 0)
            return last_error(file_.c_str());
        return "";
    }
    std::string rename_to(const std::string& file) {
        if (std::rename(file_.c_str(), file.c_str()) != 0) return last_error(file.c_str());
        file_.clear();
        return "";
    }

  private:
    std::string file_;
};

}  // namespace

PolicyEditor::Result PolicyEditor::set(const PolicySection& section,
                                       const std::vector<Setting>& settings,
                                       std::optional<std::int64_t> for_ms, std::int64_t now_ms) {
    return edit(
        [&](RunTimeSections& policy) {
            return set_values(policy, host_, section, settings, for_ms, now_ms);
        },
        now_ms);
}

PolicyEditor::Result PolicyEditor::unset(const PolicySection& section,
                                         const std::vector<std::string>& keys,
                                         std::int64_t now_ms) {
    return edit([&](RunTimeSections& policy) { return unset_values(policy, host_, section, keys); },
                now_ms);
}

PolicyEditor::Result PolicyEditor::edit(const Change& change, std::int64_t now_ms) {
    if (file_.empty())
        return Refused{was_refused,
                       "there is no run-time policy: run_time_policy is empty in the "
                       "configuration"};
    auto read_now = read();
    if (auto* refused = std::get_if<Refused>(&read_now)) return std::move(*refused);
    const Seen& seen = std::get<Seen>(read_now);
    RunTimeSections policy = config_text::without_ended(seen.sections, host_, now_ms);
    std::string text;
    try {
        if (auto refused = change(policy)) return std::move(*refused);
        text = header + config_text::run_time_policy_to_toml(policy, host_);
        // What the loop cannot read must never get into the file.
        if (config_text::parse_run_time_policy(text, "run-time policy", host_) != policy)
            return refuse("would not be read as it is meant, so it is left as it is");
    } catch (const ConfigError& error) {
        return Refused{invalid_argument, error.problems.front()};
    } catch (const nlohmann::json::exception&) {
        return Refused{invalid_argument, "names and values must be UTF-8"};
    }
    if (text.size() > max_text_bytes)
        return refuse("would be larger than " + std::to_string(max_text_bytes >> 20) + " MiB");
    if (auto refused = write(text, seen)) return std::move(*refused);
    return policy;
}

std::variant<PolicyEditor::Seen, Refused> PolicyEditor::read() const {
    struct stat link {};
    if (::lstat(file_.c_str(), &link) != 0) {
        if (errno == ENOENT) return Seen();
        return refuse(why_unreadable());
    }
    if (S_ISLNK(link.st_mode))
        return refuse("is a symbolic link, and a command would replace it: edit it by hand");
    const FileDescriptor fd = open_text_file(file_);
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return refuse(why_unreadable());
    const FileText content = read_text_file(fd.get(), status);
    std::string problem = content.problem.empty() ? why_untrusted(status) : content.problem;
    if (!problem.empty()) return refuse(problem);
    try {
        return Seen{config_text::parse_run_time_policy(content.text, file_, host_), status};
    } catch (const ConfigError& error) {
        return Refused{was_refused, error.problems.front() +
                                        "; mend or remove the file first, since it would be "
                                        "overwritten"};
    }
}

std::optional<Refused> PolicyEditor::write(const std::string& text, const Seen& seen) const {
    TemporaryFile fresh(file_ + ".by-command");
    if (const std::string problem = fresh.write(text); !problem.empty())
        return Refused{was_refused, problem};
    struct stat now {};
    const bool exists = ::lstat(file_.c_str(), &now) == 0;
    const bool is_as_read =
        exists ? seen.status && is_same(*seen.status, now) : !seen.status && errno == ENOENT;
    if (!is_as_read) return refuse("was changed by somebody else at the same time: try again");
    if (const std::string problem = fresh.rename_to(file_); !problem.empty())
        return Refused{was_refused, problem};
    return std::nullopt;
}

Refused PolicyEditor::refuse(const std::string& problem) const {
    return {was_refused, file_ + ": " + problem};
}

}  // namespace vnuma::control
