#include "src/ctl/top/top.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
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

constexpr int max_keys_at_once = 256;  // before the picture is drawn
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
            take_replies();
            if (model_.quit) return;
            if (std::exchange(changed_, false)) draw();
            wait_until(next);
            take_signals();
            take_keys();
            const auto now = Clock::now();
            if (now < next) continue;
            happen(SecondPassed{asker_.unanswered(now)});
            // Intervals that were missed, while vnumad did not answer, are not made up for.
            next = std::max(next + interval_, now);
        }
    }

  private:
    void adopt(Step step) {
        model_ = std::move(step.model);
        for (Request& request : step.requests)
            asker_.add(std::move(request));
        changed_ = true;
    }

    void happen(Event event) { adopt(update(std::move(model_), std::move(event))); }

    void take_replies() {
        while (auto reply = asker_.next())
            happen(std::move(*reply));
    }

    void draw() {
        Abilities abilities = screen_.abilities();
        abilities.utc_offset_s = read_utc_offset();
        screen_.draw(render(model_, abilities));
    }

    void wait_until(Clock::time_point time) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now());
        std::array<pollfd, 3> descriptors{{{STDIN_FILENO, POLLIN, 0},
                                           {signals_.descriptor(), POLLIN, 0},
                                           {asker_.descriptor(), POLLIN, 0}}};
        const int timeout = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
        if (poll(descriptors.data(), descriptors.size(), timeout) < 0 && errno != EINTR)
            throw std::system_error(errno, std::system_category(), "poll");
        // The terminal was closed.
        if ((descriptors[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) model_.quit = true;
    }

    void take_signals() {
        while (const auto signal = signals_.take()) {
            if (*signal == SIGTSTP || *signal == SIGCONT) screen_.suspend();
            if (*signal == SIGTSTP) signals_.stop_process();
            if (*signal == SIGTSTP || *signal == SIGCONT || *signal == SIGWINCH)
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
                happen(screen_.resize());
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
    bool changed_ = true;  // since it was drawn
};

}  // namespace
}  // namespace top

int run_top(Connection& connection, const TopOptions& options) {
    tzset();
    top::Loop(connection, options).run();
    return 0;
}

}  // namespace vnuma::ctl
