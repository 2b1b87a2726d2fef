#include "src/service.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace vnuma {

namespace asio = boost::asio;

Service::Service(Controller& controller, bool once)
    : controller_(controller),
      once_(once),
      signals_(context_, SIGINT, SIGTERM, SIGHUP),
      grace_(context_) {}

int Service::run() {
    auto on_end = [this](std::exception_ptr failure, bool seen) { end(failure, seen); };
    asio::co_spawn(context_, work(), asio::bind_cancellation_slot(stop_.slot(), on_end));
    signals_.async_wait([this](boost::system::error_code error, int signal) {
        if (!error) ask_to_end(signal);
    });
    context_.run();
    if (failure_) std::rethrow_exception(failure_);
    return status_;
}

asio::awaitable<bool> Service::work() {
    if (once_) co_return co_await controller_.run_once();
    co_await controller_.run();
    co_return true;
}

void Service::ask_to_end(int signal) {
    spdlog::info("stopping on {}", strsignal(signal));
    stopping_ = true;
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
    grace_.cancel();
    if (stopping_) return;  // the failure is the cancellation
    failure_ = failure;
    status_ = seen ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace vnuma
