#include "src/control/control.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <system_error>
#include <utility>

#include "src/control/protocol/json.hpp"
#include "src/record/record.hpp"
#include "src/state_directory.hpp"

namespace vnuma::control {

Control::Control(const Config& config, std::string version, Orders& orders)
    : config_(config), server_(version, find_actors()) {
    listen();
    // Of several vnumads on a host, the one that has the sockets keeps the history.
    if (!listeners_.empty()) open_history();
    dispatch_.emplace(Dispatch::Parts{config, std::move(version), Freeze(config.state_directory),
                                      orders, history_.get()});
    open_metrics();
    if (listeners_.empty() && !metrics_) return;
    server_.start(std::move(listeners_), *dispatch_);
    serves_ = true;
    if (metrics_) server_.post([this] { metrics_->start(); });
}

Control::~Control() = default;

void Control::listen() {
    if (!config_.control_sockets) return;
    try {
        listeners_ = take_listeners_of_systemd();
        if (!listeners_.empty()) return;
        prepare_state_directory(config_.state_directory);
        const auto mode =
            static_cast<mode_t>(std::strtoul(config_.control_read_mode.c_str(), nullptr, 8));
        listeners_ = make_listeners(config_.state_directory, find_actors(), mode);
    } catch (const std::runtime_error& error) {
        spdlog::warn("there is no control socket: {}", error.what());
    }
}

void Control::open_history() {
    if (config_.history_file.empty()) return;
    try {
        prepare_state_directory(std::filesystem::path(config_.history_file).parent_path());
        history_ = std::make_unique<history::HistoryWriter>(
            config_.history_file, history::HistoryLimits{.bytes = config_.history_size});
    } catch (const std::exception& error) {
        spdlog::warn("no history is kept: {}", error.what());
    }
}

void Control::open_metrics() {
    if (config_.metrics_listen.empty()) return;
    try {
        metrics_ = std::make_unique<MetricsEndpoint>(server_.executor(),
                                                     MetricsAddress{config_.metrics_listen},
                                                     [this] { return dispatch_->metrics(); });
    } catch (const std::system_error& error) {
        spdlog::warn("there are no metrics: {}", error.what());
    }
}

void Control::publish(const std::shared_ptr<const Tick>& tick) {
    if (history_) history_->update(*tick);
    if (!serves_) return;
    // A record takes longer to make the more guests there are, so the loop leaves it to the server.
    server_.post([this, tick] {
        dispatch_->set_tick(tick);
        if (tick->look && server_.wants_records()) publish_record(*tick);
    });
}

// On the server's thread.
void Control::publish_record(const Tick& tick) {
    Publication plan;
    plan.name = plan_event;
    plan.data = JsonOut::parse(to_line({config_.planner, tick.history, tick.snapshot, tick.plan}));
    plan.time_ms = tick.time_ms;
    plan.topic = Topic::records;
    server_.publish(std::move(plan));
}

void Control::tell(const std::vector<Happening>& happenings) {
    if (history_) history_->add(happenings);
    if (!serves_) return;
    for (const Happening& happening : happenings) {
        Publication event;
        event.name = name(happening.kind);
        event.data = event_data(happening);
        event.time_ms = happening.time_ms;
        server_.publish(std::move(event));
    }
}

bool Control::finish(std::chrono::milliseconds patience) {
    bool ended = true;
    if (serves_) {
        if (metrics_) server_.post([this] { metrics_->stop(); });
        ended = server_.stop();
    }
    if (history_) ended &= history_->finish(patience);
    return ended;
}

}  // namespace vnuma::control
