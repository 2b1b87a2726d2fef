// What is wanted for guests from now on, until the host restarts: a file in /run that is read again
// when it has changed.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "policy/model/guest_policy.hpp"

namespace vnuma {

class RunTimePolicy {
  public:
    // Its sections are [guest.NAME] and [group.NAME]; guests may be in groups of `host`, too, which
    // must outlive it.
    RunTimePolicy(std::string file, const HostPolicy& host);

    // Looks at the file, and reads it when it is another than before. Without one nothing is
    // wanted. Where it cannot be used, what was wanted before still is.
    void refresh();

    const RunTimeOverrides& words() const { return words_; }
    // Why the file is not in force, a line for each problem; empty: it is, or there is none.
    const std::string& problem() const { return problem_; }

  private:
    void read(int fd, const struct stat& now);

    std::string file_;
    const HostPolicy& host_;
    RunTimeOverrides words_;
    std::string problem_;
    std::optional<struct stat> seen_;  // as it was read
};

}  // namespace vnuma
