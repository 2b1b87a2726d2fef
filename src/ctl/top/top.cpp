#include "src/ctl/top/top.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <deque>
#include <system_error>
#include <utility>

#include "src/ctl/top/asker.hpp"
#include "src/ctl/top/render.hpp"
#include "src/ctl/top/screen.hpp"
#include "src/ctl/top/signals.hpp"

namespace vnuma::ctl {
namespace top {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_pending = 16;  // requests; later ones are dropped, as the keys repeat
constexpr int max_keys_at_once = 256;    // before the picture is drawn
constexpr char32_t control_l = 0x0c;

int read_utc_offset() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    return localtime_r(&now, &local) == nullptr ? 0 : static_cast<int>(local.tm_gmtoff);
}

class Loop {
  public:
    Loop(Connection& connection, const TopOptions& options)
        : asker_(connection),
          interval_(std::max(options.interval, std::chrono::milliseconds(100))),
          screen_(options.no_color) {
        adopt(start(screen_.size()));
    }

    void run() {
        Clock::time_point next = Clock::now() + interval_;
        while (true) {
            ask_pending();
            if (model_.quit) return;
            draw();
            wait_until(next);
            take_signals();
            take_keys();
            const auto now = Clock::now();
            if (now < next) continue;
            happen(SecondPassed{});
            // Intervals that were missed, while vnumad did not answer, are not made up for.
            next = std::max(next + interval_, now);
        }
    }

  private:
    void adopt(Step step) {
        model_ = std::move(step.model);
        for (Request& request : step.requests)
            if (pending_.size() < max_pending) pending_.push_back(std::move(request));
    }

    void happen(Event event) { adopt(update(std::move(model_), std::move(event))); }

    void ask_pending() {
        while (!pending_.empty() && !model_.quit) {
            const Request request = std::move(pending_.front());
            pending_.pop_front();
            Reply reply = asker_.ask(request);
            const auto* failure = std::get_if<Failure>(&reply);
            // The others would each wait for what is not there.
            if (failure && failure->gone) pending_.clear();
            happen(std::move(reply));
        }
    }

    void draw() {
        Abilities abilities = screen_.abilities();
        abilities.utc_offset_s = read_utc_offset();
        screen_.draw(render(model_, abilities));
    }

    void wait_until(Clock::time_point time) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now());
        std::array<pollfd, 2> descriptors{
            {{STDIN_FILENO, POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}}};
        const int timeout = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
        if (poll(descriptors.data(), descriptors.size(), timeout) < 0 && errno != EINTR)
            throw std::system_error(errno, std::system_category(), "poll");
        // The terminal was closed.
        if ((descriptors[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) model_.quit = true;
    }

    void take_signals() {
        while (const auto signal = signals_.take()) {
            if (*signal == SIGWINCH || *signal == SIGCONT)
                happen(screen_.resize());
            else
                model_.quit = true;
        }
    }

    void take_keys() {
        for (int i = 0; i < max_keys_at_once && !model_.quit; ++i) {
            const auto key = screen_.read_key();
            if (!key) return;
            if (key->key == Key::character && key->character == control_l)
                screen_.forget();
            else
                happen(*key);
        }
    }

    Asker asker_;
    std::chrono::milliseconds interval_;
    // Before the screen, so that its signals are let through after the terminal is as it was.
    Signals signals_;
    Screen screen_;
    Model model_;
    std::deque<Request> pending_;
};

}  // namespace
}  // namespace top

int run_top(Connection& connection, const TopOptions& options) {
    tzset();
    top::Loop(connection, options).run();
    return 0;
}

}  // namespace vnuma::ctl
