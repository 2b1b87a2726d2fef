// The run-time policy of guests and groups: a file in /run, which is read again when it has
// changed.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/model/guest_policy.hpp"
#include "src/config/policy_sections.hpp"

namespace vnuma {

// Whether a file is the same, unchanged, in two looks at it.
bool is_same(const struct stat& a, const struct stat& b);

// Why the file is not trusted; it decides about the guests of other people. Empty if it is.
std::string why_untrusted(const struct stat& file);

class RunTimePolicy {
  public:
    // `file`: empty for none. Guests of the file may be in groups of `host` too, which must outlive
    // this object.
    RunTimePolicy(std::string file, const HostPolicy& host);

    // Reads the file if it has changed, and drops sections that have ended by `now_ms`, ms since
    // 1970. Without a file there is no run-time policy. A file that cannot be used leaves the
    // previous policy in force. Blocks.
    void refresh(std::int64_t now_ms);

    // In force since the last refresh().
    const RunTimeOverrides& words() const { return in_force_.overrides; }
    // When sections of these end; see HostPolicy::run_time_until.
    const std::map<std::string, std::int64_t>& until() const { return in_force_.ends; }
    // Why the file is not in force, one line for each problem, and what is in force instead; empty
    // if the file is in force, or if there is none.
    std::string problem() const;
    // What holds for all guests while nothing is known of the policy: since the start there has
    // been a file, and it could not be used. It may turn off any guest.
    std::vector<PolicyLimit> limits() const;

  private:
    void read_if_changed();
    void read(int fd, const struct stat& now);
    void set(config_text::RunTimeSections sections);

    std::string file_;
    const HostPolicy& host_;
    config_text::RunTimeSections sections_;  // of the file, also those that have ended
    config_text::RunTimeSections in_force_;
    bool known_ = false;  // whether sections_ is what a file has set, or there was none
    std::string problem_;
    std::optional<struct stat> seen_;  // when it was last read
};

}  // namespace vnuma
