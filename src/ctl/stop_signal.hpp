// ^C as something that can be waited for.
#pragma once

#include <csignal>

#include "guests/process/file_descriptor.hpp"

namespace vnuma::ctl {

// SIGINT and SIGTERM end nothing while it lives, but make its descriptor readable. Of the calling
// thread.
class StopSignal {
  public:
    StopSignal();  // throws std::system_error
    ~StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    int descriptor() const { return fd_.get(); }
    // Whether a signal has come. Does not wait.
    bool has_come() const;

  private:
    sigset_t before_{};
    FileDescriptor fd_;
};

}  // namespace vnuma::ctl
