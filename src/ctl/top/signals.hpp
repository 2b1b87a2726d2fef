// Signals as something that can be read, so that nothing happens to the terminal in a handler.
#pragma once

#include <csignal>
#include <optional>

namespace vnuma::ctl::top {

// Blocks SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT and SIGWINCH for the calling thread for
// as long as it lives.
class Signals {
  public:
    Signals();  // throws std::system_error
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    int descriptor() const { return descriptor_; }  // readable when there is a signal
    std::optional<int> take();                      // does not wait
    // Stops the process as SIGTSTP would, and returns when it goes on. Where nobody could continue
    // it, because its group is an orphan, it does not stop.
    void stop_process();

  private:
    sigset_t before_{};
    int descriptor_ = -1;
};

}  // namespace vnuma::ctl::top
