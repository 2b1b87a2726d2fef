#include "src/controller.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/libvirt_source.hpp"
#include "guests/discovery/qmp_source.hpp"
#include "policy/learn.hpp"
#include "policy/planner.hpp"
#include "src/observe/cpu_use.hpp"
#include "src/observe/derive_snapshot.hpp"
#include "src/act/run_blocking.hpp"
#include "src/report/tick.hpp"

namespace vnuma {

namespace asio = boost::asio;
using std::chrono::steady_clock;

namespace {
constexpr std::size_t worker_threads = 2;
// A sample grows old: a guest may begin to migrate, or its owner may pin it. Nothing acts on one
// for longer than this.
constexpr std::chrono::seconds max_sample_age{2};
// Share of the interval that reading residency may take of one CPU.
constexpr int residency_divisor = 50;

std::unique_ptr<GuestSource> make_source(const Config& config) {
    if (config.qmp) return std::make_unique<QmpSource>(config.qmp_dir);
    return std::make_unique<LibvirtSource>(config.libvirt);
}

SamplerSettings sampler_settings(const Config& config) {
    SamplerSettings settings;
    settings.residency = config.residency;
    settings.pagemap = config.pagemap;
    settings.residency_time =
        std::chrono::duration_cast<std::chrono::microseconds>(config.interval) / residency_divisor;
    return settings;
}

}  // namespace

Controller::Controller(const Config& config, const Host& host, Reporter reporter)
    : config_(config),
      host_(host),
      reporter_(std::move(reporter)),
      pool_(worker_threads),
      sampler_(make_source(config), sampler_settings(config)),
      tracking_(tracking_settings(config),
                choose_trackers(tracking_settings(config), sampler_.source(), Roots()),
                load_fault_counter),
      policy_(config.policy),
      run_time_policy_(config.run_time_policy, config.policy),
      actuator_(config, host, pool_, pins_) {}

asio::awaitable<void> Controller::run() {
    co_await run_blocking(pool_, [] {
        remove_leftovers(Roots());
        return true;
    });
    asio::steady_timer timer(co_await asio::this_coro::executor, steady_clock::now());
    while (true) {
        const Tick done = co_await tick();
        reporter_(done);
        // From the last expiry, not from now: the period does not drift. After a long stop (a
        // suspended host) the missed ticks are skipped.
        const auto next = timer.expiry() + config_.interval;
        timer.expires_at(std::max(next, steady_clock::now()));
        co_await timer.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<bool> Controller::run_once() {
    tracks_ = false;  // two looks at the guests are no time to find out what they use
    Tick first;
    previous_ = co_await look(first, true);
    asio::steady_timer timer(co_await asio::this_coro::executor, config_.interval);
    co_await timer.async_wait(asio::use_awaitable);
    const Tick done = co_await tick();
    reporter_(done);
    co_return done.blind.empty();
}

Sample Controller::sample(bool complete) {
    try {
        return sampler_.sample(acted_on_, complete);
    } catch (...) {
        // Nobody would end them as long as this lasts.
        tracking_.abandon_scans();
        throw;
    }
}

// Blind means still: without a sample there is no plan, and the next sample starts afresh.
asio::awaitable<std::optional<Look>> Controller::look(Tick& tick, bool complete) {
    auto look_at_all = [this, complete] {
        Look look{sample(complete), {}, {}};
        run_time_policy_.refresh();
        policy_.run_time = run_time_policy_.words();
        if (tracks_) {
            withdraw_hints(hints_, look.sample, policy_, host_);
            tracking_.look(look.sample, hints_);
        }
        look.host = read_host_state(host_);
        return look;
    };
    try {
        Look look = co_await run_blocking(pool_, look_at_all);
        co_return look;
    } catch (const SourceError& error) {
        tick.blind = error.what();
    } catch (const HostError& error) {
        tick.blind = error.what();
    } catch (const std::system_error& error) {
        tick.blind = error.what();
    }
    co_return std::nullopt;
}

asio::awaitable<Tick> Controller::tick() {
    Tick tick;
    tick.number = ++ticks_;
    tick.mode = config_.mode;
    tick.time_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
    std::optional<Look> seen = co_await look(tick, false);
    if (!seen) {
        previous_.reset();
        co_return tick;
    }
    const Sample& sample = seen->sample;
    tick.policy_problem = run_time_policy_.problem();
    seen->use = measure_use(previous_ ? &*previous_ : nullptr, *seen, host_);
    tick.snapshot = derive(*seen, host_, pins_.known(), policy_);
    pins_.forget_ended(sample);
    tick.history = history_;
    tick.plan = plan(tick.snapshot, history_, config_.planner);
    tick.pinned = pins_.known().in_force(sample);
    if (config_.mode == Mode::act) {
        const auto deadline =
            sample.time + std::min<steady_clock::duration>(config_.interval, max_sample_age);
        tick.results =
            co_await actuator_.apply(tick.plan, tick.snapshot.topology, sample, deadline);
        // Homes that nobody acted on are none: whoever watches is told every time what would be.
        history_ = learn(std::move(history_), tick.snapshot, tick.plan, tick.results);
        acted_on_.clear();
        for (const ActionResult& result : tick.results)
            acted_on_.insert(key_of(result.action).uuid);
    }
    hints_ = derive_hints(hints_, tick.snapshot, tick.plan, tick.results);
    tick.sample = sample;
    previous_ = std::move(*seen);
    co_return tick;
}

}  // namespace vnuma
