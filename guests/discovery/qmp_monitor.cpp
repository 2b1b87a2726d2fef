#include "guests/discovery/qmp_monitor.hpp"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <memory>

#include "guests/discovery/guest_source.hpp"

namespace vnuma {

nlohmann::json QmpMonitor::execute(const std::string& command, const nlohmann::json& arguments) {
    // Shared with the handler, which may run when nobody waits for the reply any more.
    struct Outcome {
        bool done = false;
        std::exception_ptr failure;
        nlohmann::json value;
    };
    auto outcome = std::make_shared<Outcome>();
    boost::asio::co_spawn(context_, client_.execute(command, arguments, command_limit),
                          [outcome](std::exception_ptr failure, nlohmann::json value) {
                              *outcome = {true, failure, std::move(value)};
                          });
    if (!run_until_([&] { return outcome->done; }))
        throw MonitorError("QEMU has not answered " + command + " in time");
    try {
        if (outcome->failure) std::rethrow_exception(outcome->failure);
    } catch (const qmp::CommandError& error) {
        throw MonitorRefusal(error.what());
    } catch (const std::exception& error) {
        throw MonitorError(error.what());
    }
    return std::move(outcome->value);
}

}  // namespace vnuma
