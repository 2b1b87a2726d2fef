// vnuma-demo boots a host with two NUMA nodes and shows how vnumad brings two guests home.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include "integration/demo/picture.hpp"

namespace {

using namespace vnuma::lab;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr const char* timeout_s = "480";

class Screen {
  public:
    explicit Screen(bool terminal) : terminal_(terminal) {}

    void progress(const std::string& what) {
        erase();
        std::cout << stamp() << what << "\n" << std::flush;
        drawn_ = terminal_ ? 1 : 0;
    }

    void picture(const std::vector<GuestPicture>& guests) {
        if (!terminal_) {
            std::cout << stamp() << draw_line(guests) << std::endl;
            return;
        }
        erase();
        std::string text = "\n";
        text.append(stamp()).append("vnumad is balancing\n").append(draw(guests, true));
        std::cout << text << std::flush;
        drawn_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    }

    double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  private:
    // Erases the last picture or line of progress, so that the next takes its place.
    void erase() {
        if (terminal_ && drawn_ > 0) std::cout << "\033[" << drawn_ << "A\033[J";
        drawn_ = 0;
    }
    std::string stamp() const {
        char text[32];
        std::snprintf(text, sizeof text, "[%4.0f s] ", seconds());
        return text;
    }

    bool terminal_;
    int drawn_ = 0;
    Clock::time_point start_ = Clock::now();
};

struct Course {
    std::vector<GuestPicture> before, after;
    std::int64_t moved = 0;
    double began = 0, ended = 0;
    bool home = false;

    void add(const json& report, double now) {
        const std::vector<GuestPicture> guests = guests_of(report);
        if (guests.empty()) return;
        if (before.empty()) {
            before = guests;
            began = now;
        }
        after = guests;
        moved += moved_bytes(report);
        home = all_home(report);
        ended = now;
    }
};

// Shows the messages of the lab's standard output. Lines that are no JSON go to stderr.
int follow_lab(const std::string& command, Screen& screen, Course& course) {
    FILE* lab = ::popen(command.c_str(), "r");
    if (!lab) return -1;
    char* line = nullptr;
    std::size_t room = 0;
    while (::getline(&line, &room, lab) > 0) {
        const json message = json::parse(line, nullptr, false);
        if (!message.is_object()) {
            std::cerr << line;
        } else if (message.contains("progress")) {
            screen.progress(message["progress"]);
        } else {
            course.add(message, screen.seconds());
            const std::vector<GuestPicture> guests = guests_of(message);
            if (!guests.empty()) screen.picture(guests);
        }
    }
    std::free(line);
    return ::pclose(lab);
}

}  // namespace

int main() {
    const std::filesystem::path here =
        std::filesystem::read_symlink("/proc/self/exe").parent_path();
    Screen screen(::isatty(STDOUT_FILENO) != 0);
    Course course;
    screen.progress("booting a host with two NUMA nodes (emulated, with a real KVM of its own)");
    std::string command = "'";
    command.append((here / "vnuma-lab").string())
        .append("' run --topology two-nodes --timeout ")
        .append(timeout_s)
        .append(" -- '")
        .append((here / "demo-host").string())
        .append("' </dev/null");
    const int status = follow_lab(command, screen, course);
    if (status != 0 || !course.home) {
        std::cerr << "vnuma-demo: the guests did not come home; see the messages above\n";
        return 1;
    }
    std::cout << "\n" << draw_table(course.before, course.after) << "\nBoth guests are home after ";
    std::printf("%.0f s; vnumad moved %lld MiB.\n", course.ended - course.began,
                static_cast<long long>(course.moved >> 20));
    return 0;
}
