// What vnumad offers to others while it runs: the control socket, the history and the metrics.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/control/dispatch.hpp"
#include "src/control/orders/orders.hpp"
#include "src/control/server/server.hpp"
#include "src/metrics/endpoint.hpp"

namespace vnuma::control {

class Control {
  public:
    // Listens, and starts threads without capabilities: call it before seccomp refuses that. What
    // cannot be offered is logged, and vnumad goes without. `config` and `orders` must outlive it.
    Control(const Config& config, std::string version, Orders& orders);
    ~Control();  // see finish()
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    // From the loop's thread. None of them waits.
    void publish(const std::shared_ptr<const Tick>& tick);
    void tell(const std::vector<Happening>& happenings);

    // Ends all of it. Returns whether all threads have ended. If not, this object cannot be
    // destroyed without waiting for them.
    bool finish(std::chrono::milliseconds patience);

  private:
    void listen();
    void open_history();
    void open_metrics();
    void publish_record(const Tick& tick);

    const Config& config_;
    std::unique_ptr<history::HistoryWriter> history_;
    Server server_;
    std::vector<Listener> listeners_;
    std::optional<Dispatch> dispatch_;
    std::unique_ptr<MetricsEndpoint> metrics_;
    bool serves_ = false;
};

}  // namespace vnuma::control
