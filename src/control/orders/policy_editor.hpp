// Edits the file of the run-time policy (src/config/run_time_policy.hpp) as operators order.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "src/config/policy_sections.hpp"
#include "src/control/orders/policy_change.hpp"
#include "src/control/protocol/requests.hpp"

namespace vnuma::control {

// A file is replaced in one step, or not at all: the loop never reads half of one. One that has a
// mistake, or that is not trusted, is left as it is, and so is one that somebody else changes at
// the same time. Comments of the file are lost, and so are sections that have ended.
//
// Calls block on the file system. Not thread-safe.
class PolicyEditor {
  public:
    // `file`: Config::run_time_policy, empty for none. `host`: Config::policy, which must outlive
    // this object.
    PolicyEditor(std::string file, const HostPolicy& host) : file_(std::move(file)), host_(host) {}

    using Result = std::variant<config_text::RunTimeSections, Refused>;

    // As set_values() and unset_values() say. Return the whole run-time policy, which is in force
    // from the next tick on. `now_ms`: since 1970.
    Result set(const PolicySection& section, const std::vector<Setting>& settings,
               std::optional<std::int64_t> for_ms, std::int64_t now_ms);
    Result unset(const PolicySection& section, const std::vector<std::string>& keys,
                 std::int64_t now_ms);

  private:
    using Change = std::function<std::optional<Refused>(config_text::RunTimeSections&)>;
    struct Seen {
        config_text::RunTimeSections sections;
        std::optional<struct stat> status;  // none if there is no file
    };

    Result edit(const Change& change, std::int64_t now_ms);
    std::variant<Seen, Refused> read() const;
    std::optional<Refused> write(const std::string& text, const Seen& seen) const;
    Refused refuse(const std::string& problem) const;

    std::string file_;
    const HostPolicy& host_;
};

}  // namespace vnuma::control
