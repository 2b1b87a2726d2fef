// The loop: sample, derive, plan, apply, learn, report. Everything is derived anew every tick, so
// that whatever is lost costs one interval.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "guests/sampler.hpp"
#include "guests/tracking/access_tracking.hpp"
#include "src/act/actuator.hpp"
#include "src/act/vcpu_pins.hpp"
#include "src/config/config.hpp"
#include "src/config/run_time_policy.hpp"
#include "src/observe/derive_snapshot.hpp"
#include "src/observe/host.hpp"
#include "src/report/report.hpp"
#include "src/report/tick.hpp"

namespace vnuma {

class Controller {
  public:
    using Reporter = std::function<void(const Tick&)>;

    Controller(const Config& config, const Host& host, Reporter reporter);

    // Ticks until cancelled. Does not throw for what guests, libvirt or the kernel do.
    boost::asio::awaitable<void> run();

    // Looks twice, an interval apart, at all memory the first time; plans and applies once. Returns
    // whether it could see.
    boost::asio::awaitable<bool> run_once();

    // After run() has ended: what was pinned is as its owner had it.
    void undo_pins() { pins_.undo(); }

    // The same: nothing of tracking is left in the kernel.
    void end_tracking() { tracking_.end(); }

    // Calls that have not returned and that its end would wait for.
    std::size_t hung_calls() const { return sampler_.hung_calls(); }

  private:
    boost::asio::awaitable<Tick> tick();
    boost::asio::awaitable<std::optional<Look>> look(Tick& tick, bool complete);
    Sample sample(bool complete);

    const Config& config_;
    const Host& host_;
    Reporter reporter_;
    boost::asio::thread_pool pool_;
    Sampler sampler_;
    AccessTracking tracking_;
    bool tracks_ = true;
    HostPolicy policy_;
    RunTimePolicy run_time_policy_;
    VcpuPins pins_;
    Actuator actuator_;
    History history_;
    std::optional<Look> previous_;
    std::set<std::string> acted_on_;             // uuids, in the last tick
    std::map<std::string, TrackingHint> hints_;  // by uuid, of the last tick
    std::uint64_t ticks_ = 0;
};

}  // namespace vnuma
