// The system calls that vnumad makes, and those that its filter (src/seccomp_filter.hpp) refuses,
// as the kernel tells them.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace vnuma::lab {

class VnumadCalls {
  public:
    // From now on. Has the kernel log every refusal, and count the calls of all processes named
    // vnumad. Throws std::system_error.
    VnumadCalls();
    ~VnumadCalls();
    VnumadCalls(const VnumadCalls&) = delete;
    VnumadCalls& operator=(const VnumadCalls&) = delete;

    // The names of those refused since the last call, in their order.
    std::vector<std::string> take_refused();

    // The names of all that were made, those that were refused among them.
    std::set<std::string> made() const;

  private:
    int log_ = -1;
};

}  // namespace vnuma::lab
