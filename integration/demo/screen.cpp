#include "integration/demo/screen.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace vnuma::lab {

void Screen::say(const std::string& step) {
    std::cout << stamp() << step << std::endl;
    drawn_lines_ = 0;
}

void Screen::show(const nlohmann::json& report) {
    const std::vector<GuestPicture> guests = guests_of(report);
    if (guests.empty()) return;
    ended_ = seconds();
    if (before_.empty()) {
        before_ = guests;
        began_ = ended_;
    }
    after_ = guests;
    moved_bytes_ += moved_bytes(report);
    if (!terminal_) {
        std::cout << stamp() << draw_line(guests) << std::endl;
        return;
    }
    if (drawn_lines_ > 0) std::cout << "\033[" << drawn_lines_ << "A\033[J";
    const std::string text = "\n" + stamp() + "vnumad is balancing\n" + draw(guests, true);
    std::cout << text << std::flush;
    drawn_lines_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

void Screen::sum_up() const {
    char text[128];
    std::snprintf(text, sizeof text, "Both guests are home after %.0f s; vnumad moved %lld MiB.",
                  ended_ - began_, static_cast<long long>(moved_bytes_ >> 20));
    std::cout << "\n" << draw_table(before_, after_) << "\n" << text << std::endl;
}

double Screen::seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

std::string Screen::stamp() const {
    char text[32];
    std::snprintf(text, sizeof text, "[%4.0f s] ", seconds());
    return text;
}

}  // namespace vnuma::lab
