// A QMP connection as a monitor whose calls block.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "guests/discovery/qemu_monitor.hpp"
#include "qmp/client.hpp"

namespace vnuma {

class QmpMonitor : public Monitor {
  public:
    // A reply that takes longer is dropped.
    static constexpr std::chrono::milliseconds command_limit{1000};

    // Runs the io_context until the condition holds; returns false if a time limit comes first.
    using RunUntil = std::function<bool(const std::function<bool()>& condition)>;

    QmpMonitor(boost::asio::io_context& context, qmp::Client& client, RunUntil run_until)
        : context_(context), client_(client), run_until_(std::move(run_until)) {}

    nlohmann::json execute(const std::string& command, const nlohmann::json& arguments) override;

  private:
    boost::asio::io_context& context_;
    qmp::Client& client_;
    RunUntil run_until_;
};

}  // namespace vnuma
