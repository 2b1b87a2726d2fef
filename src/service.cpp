#include "src/service.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace vnuma {

namespace asio = boost::asio;

Service::Service(Controller& controller, Clock& clock, HostEventFiles events, Freeze freeze,
                 bool once)
    : controller_(controller),
      freeze_(std::move(freeze)),
      once_(once),
      signals_(context_),
      events_(context_, std::move(events), [&clock] { clock.wake(); }),
      grace_(context_) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2})
        signals_.add(signal);
}

int Service::run() {
    auto on_end = [this](std::exception_ptr failure, bool seen) { end(failure, seen); };
    asio::co_spawn(context_, work(), asio::bind_cancellation_slot(stop_.slot(), on_end));
    wait_for_signal();
    events_.start();
    context_.run();
    if (failure_) std::rethrow_exception(failure_);
    return status_;
}

asio::awaitable<bool> Service::work() {
    if (once_) co_return co_await controller_.run_once();
    co_await controller_.run();
    co_return true;
}

void Service::wait_for_signal() {
    signals_.async_wait([this](boost::system::error_code error, int signal) {
        if (!error) handle(signal);
    });
}

void Service::handle(int signal) {
    if (signal != SIGUSR1 && signal != SIGUSR2) return ask_to_end(signal);
    freeze(signal == SIGUSR1);
    wait_for_signal();
}

void Service::freeze(bool on) {
    if (!freeze_.set(on))
        spdlog::error("{}: {}", freeze_.file(), std::generic_category().message(errno));
    else if (on)
        spdlog::info("frozen until {} is removed or SIGUSR2 comes", freeze_.file());
    else
        spdlog::info("thawed: {} is removed", freeze_.file());
}

void Service::ask_to_end(int signal) {
    spdlog::info("stopping on {}", strsignal(signal));
    stopping_ = true;
    // The configuration is read at the start only. Whoever asks for another one with SIGHUP gets a
    // failure, upon which systemd starts vnumad again.
    if (signal == SIGHUP) status_ = 128 + SIGHUP;
    stop_.emit(asio::cancellation_type::terminal);
    grace_.expires_after(stop_grace);
    grace_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        spdlog::error("a call did not return within {} s; ending without it", stop_grace.count());
        cut_off_ = true;
        status_ = EXIT_FAILURE;
        context_.stop();
    });
}

void Service::end(std::exception_ptr failure, bool seen) {
    signals_.cancel();
    events_.stop();
    grace_.cancel();
    if (stopping_) return;  // the failure is the cancellation
    failure_ = failure;
    status_ = seen ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace vnuma
