// The run-time policy of guests and groups: a file in /run, which is read again when it has
// changed.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "policy/model/guest_policy.hpp"

namespace vnuma {

class RunTimePolicy {
  public:
    // `file`: empty for none. Guests of the file may be in groups of `host` too, which must outlive
    // this object.
    RunTimePolicy(std::string file, const HostPolicy& host);

    // Reads the file if it has changed. Without a file there is no run-time policy. A file that
    // cannot be used leaves the previous policy in force. Blocks.
    void refresh();

    const RunTimeOverrides& words() const { return words_; }
    // Why the file is not in force, one line for each problem, and what is in force instead; empty
    // if the file is in force, or if there is none.
    std::string problem() const;
    // What holds for all guests while nothing is known of the policy: since the start there has
    // been a file, and it could not be used. It may turn off any guest.
    std::vector<PolicyLimit> limits() const;

  private:
    void read(int fd, const struct stat& now);
    void set(RunTimeOverrides words);

    std::string file_;
    const HostPolicy& host_;
    RunTimeOverrides words_;
    bool known_ = false;  // whether words_ is what a file has set, or there was none
    std::string problem_;
    std::optional<struct stat> seen_;  // when it was last read
};

}  // namespace vnuma
