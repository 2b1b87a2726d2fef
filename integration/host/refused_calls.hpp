// The system calls that the kernel has refused to vnumad (src/seccomp_filter.hpp), as its log says.
#pragma once

#include <string>
#include <vector>

namespace vnuma::lab {

class RefusedCalls {
  public:
    // From now on. Has the kernel log every refusal. Throws std::system_error.
    RefusedCalls();
    ~RefusedCalls();
    RefusedCalls(const RefusedCalls&) = delete;
    RefusedCalls& operator=(const RefusedCalls&) = delete;

    // The names of those refused since the last call, in their order.
    std::vector<std::string> take();

  private:
    int log_ = -1;
};

}  // namespace vnuma::lab
