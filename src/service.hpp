// Runs the loop until it ends by itself or a signal ends it.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>

#include "src/act/clock.hpp"
#include "src/act/freeze.hpp"
#include "src/controller.hpp"
#include "src/observe/host_events.hpp"

namespace vnuma {

class Service {
  public:
    // After a signal, a call that does not return (a hung monitor) is left behind after this time.
    static constexpr std::chrono::seconds stop_grace{10};

    // The references must outlive it. `clock`: whom events of the host wake.
    Service(Controller& controller, Clock& clock, HostEventFiles events, Freeze freeze, bool once);

    // Returns the exit status of the process. Throws what the loop has thrown.
    int run();

    // Whether a worker thread is still in a call: it cannot be waited for.
    bool is_cut_off() const { return cut_off_; }

  private:
    boost::asio::awaitable<bool> work();
    void wait_for_signal();
    void handle(int signal);
    void freeze(bool on);
    void ask_to_end(int signal);
    void end(std::exception_ptr failure, bool seen);

    Controller& controller_;
    Freeze freeze_;
    bool once_;
    boost::asio::io_context context_{1};
    boost::asio::signal_set signals_;
    HostEvents events_;
    boost::asio::steady_timer grace_;
    boost::asio::cancellation_signal stop_;
    bool stopping_ = false, cut_off_ = false;
    int status_ = 0;
    std::exception_ptr failure_;
};

}  // namespace vnuma
