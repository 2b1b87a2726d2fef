// The only program of a lab guest: its init. Threads touch buffers in a pattern whose truth is
// known to whoever sent it, and say every second how much they did and how long they were held up.
//
// In over the virtio port, one JSON object a line; each replaces the pattern before it:
//   {"buffers": {"a": 150},                      name -> MiB; a known name and size is kept as it
//   is
//    "threads": [{"cpu": 0, "buffer": "a",       pinned to this vCPU
//                 "write": true,                 or read
//                 "duty_percent": 25}]}          share of each 20 ms spent touching
// Out, one object a line:
//   {"ready": true}  once;  {"error": "..."}  for a pattern that was refused;
//   {"second": 7, "threads": [{"cpu": 0, "buffer": "a", "touches": 123456, "stall_us": 900}]}
// "touches" counts 4 KiB pages touched in that second; "stall_us" is the longest time that one
// block of touches or one wake-up was late.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr const char* port_name = "org.vnumad.guest";
constexpr std::size_t page_bytes = 4096;
constexpr std::size_t pages_per_block = 64;  // between two looks at the clock
constexpr auto period = milliseconds(20);

struct Buffer {
    volatile char* bytes = nullptr;
    std::size_t size = 0;

    explicit Buffer(std::size_t mib) : size(mib << 20) {
        void* mapped =
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) throw std::runtime_error("no room for a buffer");
        bytes = static_cast<char*>(mapped);
    }
    ~Buffer() { ::munmap(const_cast<char*>(bytes), size); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
};

struct Pattern {
    int cpu;
    std::string buffer_name;
    std::shared_ptr<Buffer> buffer;
    bool write;
    int duty_percent;
};

class Toucher {
  public:
    explicit Toucher(Pattern pattern) : pattern_(std::move(pattern)), thread_([this] { run(); }) {}
    ~Toucher() {
        stop_ = true;
        thread_.join();
    }
    Toucher(const Toucher&) = delete;
    Toucher& operator=(const Toucher&) = delete;

    json take_report() {
        return {{"cpu", pattern_.cpu},
                {"buffer", pattern_.buffer_name},
                {"touches", touches_.exchange(0)},
                {"stall_us", stall_us_.exchange(0)}};
    }

  private:
    void run() {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(pattern_.cpu, &set);
        ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
        const auto busy = period * pattern_.duty_percent / 100;
        auto start = Clock::now();
        while (!stop_) {
            auto before = Clock::now();
            note_stall(before - start);  // a late wake-up
            while (before - start < busy && !stop_) {
                touch_block();
                const auto after = Clock::now();
                note_stall(after - before);
                before = after;
            }
            start = std::max(start + period, Clock::now());
            std::this_thread::sleep_until(start);
        }
    }

    void touch_block() {
        for (std::size_t i = 0; i < pages_per_block; ++i) {
            if (pattern_.write)
                pattern_.buffer->bytes[position_] = static_cast<char>(position_ >> 12);
            else
                (void)pattern_.buffer->bytes[position_];
            position_ = (position_ + page_bytes) % pattern_.buffer->size;
        }
        touches_ += pages_per_block;
    }

    void note_stall(Clock::duration late) {
        const auto us = std::chrono::duration_cast<microseconds>(late).count();
        if (us > stall_us_) stall_us_ = us;
    }

    Pattern pattern_;
    std::size_t position_ = 0;
    std::atomic<std::uint64_t> touches_{0};
    std::atomic<std::int64_t> stall_us_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;  // last: it uses all of the above
};

class Workload {
  public:
    void apply(const json& request) {
        std::map<std::string, std::shared_ptr<Buffer>> buffers;
        for (const auto& [name, mib] : request.at("buffers").items()) {
            auto known = buffers_.find(name);
            const std::size_t size = mib.get<std::size_t>();
            buffers[name] = known != buffers_.end() && known->second->size == size << 20
                                ? known->second
                                : std::make_shared<Buffer>(size);
        }
        std::vector<Pattern> patterns;
        for (const json& thread : request.at("threads")) {
            const int duty = thread.at("duty_percent");
            if (duty < 0 || duty > 100) throw std::runtime_error("duty_percent is 0 to 100");
            const std::string name = thread.at("buffer");
            if (!buffers.contains(name)) throw std::runtime_error("no buffer called " + name);
            patterns.push_back({thread.at("cpu"), name, buffers[name], thread.at("write"), duty});
        }
        touchers_.clear();
        buffers_ = std::move(buffers);
        for (Pattern& pattern : patterns)
            touchers_.push_back(std::make_unique<Toucher>(std::move(pattern)));
    }

    json report(int second) {
        json threads = json::array();
        for (auto& toucher : touchers_)
            threads.push_back(toucher->take_report());
        return {{"second", second}, {"threads", threads}};
    }

  private:
    std::map<std::string, std::shared_ptr<Buffer>> buffers_;
    std::vector<std::unique_ptr<Toucher>> touchers_;
};

void mount_kernel_file_systems() {
    for (const char* directory : {"/proc", "/sys", "/dev"})
        ::mkdir(directory, 0755);
    ::mount("proc", "/proc", "proc", 0, nullptr);
    ::mount("sysfs", "/sys", "sysfs", 0, nullptr);
    ::mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr);
}

int open_port() {
    for (const auto& entry : std::filesystem::directory_iterator("/sys/class/virtio-ports")) {
        std::string name;
        std::ifstream(entry.path() / "name") >> name;
        if (name != port_name) continue;
        const std::string device = "/dev/" + entry.path().filename().string();
        return ::open(device.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    return -1;
}

// Reports nobody reads are lost, not queued: the port is not waited for.
void send(int port, const json& message) {
    const std::string line = message.dump() + "\n";
    [[maybe_unused]] const ssize_t sent = ::write(port, line.data(), line.size());
}

void serve(int port) {
    Workload workload;
    std::string input;
    send(port, {{"ready", true}});
    auto next = Clock::now();
    for (int second = 1;;) {
        const auto left = std::chrono::duration_cast<milliseconds>(next - Clock::now()).count();
        if (left <= 0) {
            next += std::chrono::seconds(1);
            send(port, workload.report(second++));
            continue;
        }
        pollfd poll_port{port, POLLIN, 0};
        ::poll(&poll_port, 1, static_cast<int>(left));
        if (!(poll_port.revents & POLLIN)) {
            // A port with no reader outside reports a hang-up at once, again and again.
            if (poll_port.revents) std::this_thread::sleep_for(milliseconds(left));
            continue;
        }
        std::array<char, 4096> chunk{};
        const ssize_t size = ::read(port, chunk.data(), chunk.size());
        if (size > 0) input.append(chunk.data(), static_cast<std::size_t>(size));
        for (std::size_t end; (end = input.find('\n')) != std::string::npos;) {
            try {
                workload.apply(json::parse(input.substr(0, end)));
            } catch (const std::exception& error) {
                send(port, {{"error", error.what()}});
            }
            input.erase(0, end + 1);
        }
    }
}

}  // namespace

int main() {
    mount_kernel_file_systems();
    const int port = open_port();
    if (port < 0) {
        std::fputs("this guest has no virtio port of the workload\n", stderr);
        ::reboot(RB_POWER_OFF);
        return 1;
    }
    serve(port);
}
