// The only program of a lab guest, started as its init. Threads access buffers in a pattern that is
// sent to the guest, so that the sender knows which vCPU accesses which memory. Every second the
// program reports how many accesses each thread made and for how long it was held up.
//
// The virtio port takes one JSON object per line. Each replaces the pattern before it:
//   {"buffers": {"a": 150},                      name and size in MiB; existing ones are kept
//    "threads": [{"cpu": 0, "buffer": "a",       the thread is pinned to this vCPU
//                 "write": true,                 false for reads
//                 "duty_percent": 25,            share of each period spent accessing
//                 "period_ms": 20,               default 20; a wake-up takes some ms in emulation
//                 "offset_mib": 10,              start of the accessed window; default 0
//                 "span_mib": 50,                its size; default: the rest of the buffer
//                 "verify": true}],              whole pages are written, and compared with
//                                                what was written before; needs "write"; default
//                                                false
//    "truth": true}                              asks for a "truth" message; default false
// The program sends one JSON object per line:
//   {"ready": true}    once, at the start
//   {"error": "..."}   after an invalid pattern
//   {"second": 7, "threads": [{"cpu": 0, "buffer": "a", "accesses": 123456, "stall_us": 900}]}
//   {"truth": [{"buffer": "a", "thread": 0, "cpu": 0, "ranges": [[start, bytes]]},
//              {"buffer": "a", "thread": null, "ranges": [[start, bytes]]}], "more": true}
// "accesses" is the number of 4 KiB pages accessed in that second. "stall_us" is the longest time
// that one block of accesses took, or that one wake-up was late. A thread that verifies has
// "verified" and "errors", too: the number of pages it has verified since it began, and of those
// that were not as they had been written. The "truth" message is sent once
// after it was asked for, when all pages of all windows have been accessed. It holds the
// guest-physical ranges of each thread's window and, with a null thread, those of each buffer whose
// pages have all been accessed. It may be divided into several messages, all but the last with
// "more".
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "integration/guest/access_thread.hpp"
#include "integration/guest/buffer.hpp"
#include "integration/guest/physical_ranges.hpp"

namespace vnuma::workload {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr const char* port_name = "org.vnumad.guest";
constexpr auto send_limit = milliseconds(5000);

Pattern parse_thread(const json& thread,
                     const std::map<std::string, std::shared_ptr<Buffer>>& buffers) {
    Pattern pattern;
    pattern.cpu = thread.at("cpu");
    pattern.write = thread.at("write");
    pattern.verify = thread.value("verify", false);
    if (pattern.verify && !pattern.write) throw std::runtime_error("verify needs write");
    pattern.duty_percent = thread.at("duty_percent");
    if (pattern.duty_percent < 0 || pattern.duty_percent > 100)
        throw std::runtime_error("duty_percent must be from 0 to 100");
    pattern.period = milliseconds(thread.value("period_ms", 20));
    if (pattern.period < milliseconds(1) || pattern.period > milliseconds(1000))
        throw std::runtime_error("period_ms must be from 1 to 1000");
    pattern.buffer_name = thread.at("buffer");
    const auto buffer = buffers.find(pattern.buffer_name);
    if (buffer == buffers.end())
        throw std::runtime_error("there is no buffer \"" + pattern.buffer_name + "\"");
    pattern.buffer = buffer->second;

    const std::size_t mib = pattern.buffer->size() >> 20;
    const std::size_t offset = thread.value("offset_mib", std::size_t{0});
    if (offset >= mib)
        throw std::runtime_error("offset_mib must be less than the size of the buffer");
    const std::size_t span = thread.value("span_mib", mib - offset);
    if (span == 0 || span > mib - offset)
        throw std::runtime_error("span_mib must be above 0 and within the buffer");
    pattern.offset = offset << 20;
    pattern.span = span << 20;
    return pattern;
}

json to_json(const std::vector<PhysicalRange>& ranges) {
    json pairs = json::array();
    for (const PhysicalRange& range : ranges)
        pairs.push_back({range.start, range.bytes});
    return pairs;
}

class Workload {
  public:
    void apply(const json& request) {
        std::map<std::string, std::shared_ptr<Buffer>> buffers;
        for (const auto& [name, mib] : request.at("buffers").items()) {
            auto known = buffers_.find(name);
            const std::size_t size = mib.get<std::size_t>();
            buffers[name] = known != buffers_.end() && known->second->size() == size << 20
                                ? known->second
                                : std::make_shared<Buffer>(size);
        }
        std::vector<Pattern> patterns;
        for (const json& thread : request.at("threads"))
            patterns.push_back(parse_thread(thread, buffers));
        truth_requested_ = request.value("truth", false);
        threads_.clear();
        buffers_ = std::move(buffers);
        for (Pattern& pattern : patterns)
            threads_.push_back(std::make_unique<AccessThread>(std::move(pattern)));
    }

    json report(int second) {
        json threads = json::array();
        for (auto& thread : threads_)
            threads.push_back(thread->take_report());
        return {{"second", second}, {"threads", threads}};
    }

    // The "truth" messages, if they were asked for and all windows have been accessed. Throws
    // std::runtime_error, once, if the addresses cannot be found out.
    std::vector<json> take_truth() {
        if (!truth_requested_) return {};
        truth_requested_ = false;
        std::vector<json> entries;
        for (std::size_t i = 0; i < threads_.size(); ++i) {
            const Pattern& pattern = threads_[i]->pattern();
            const auto ranges =
                physical_ranges(pattern.buffer->bytes() + pattern.offset, pattern.span);
            if (!ranges) {
                truth_requested_ = true;
                return {};
            }
            entries.push_back({{"buffer", pattern.buffer_name},
                               {"thread", i},
                               {"cpu", pattern.cpu},
                               {"ranges", to_json(*ranges)}});
        }
        for (const auto& [name, buffer] : buffers_)
            if (const auto ranges = physical_ranges(buffer->bytes(), buffer->size()))
                entries.push_back(
                    {{"buffer", name}, {"thread", nullptr}, {"ranges", to_json(*ranges)}});
        return truth_messages(entries);
    }

  private:
    std::map<std::string, std::shared_ptr<Buffer>> buffers_;
    std::vector<std::unique_ptr<AccessThread>> threads_;
    bool truth_requested_ = false;
};

void mount_kernel_file_systems() {
    for (const char* directory : {"/proc", "/sys", "/dev"})
        ::mkdir(directory, 0755);
    ::mount("proc", "/proc", "proc", 0, nullptr);
    ::mount("sysfs", "/sys", "sysfs", 0, nullptr);
    ::mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr);
}

// A guest with a balloon needs it; the others do not mind.
void load_balloon_driver() {
    const int file = ::open("/virtio_balloon.ko", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    ::syscall(SYS_finit_module, file, "", 0);
    ::close(file);
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

// Sends a message without waiting for room in the port: a report that nobody reads is lost.
void send(int port, const json& message) {
    const std::string line = message.dump() + "\n";
    [[maybe_unused]] const ssize_t sent = ::write(port, line.data(), line.size());
}

// Sends a message that the host waits for: waits up to send_limit for room in the port.
void send_and_wait(int port, const json& message) {
    const std::string line = message.dump() + "\n";
    const auto end = Clock::now() + send_limit;
    while (::write(port, line.data(), line.size()) < 0 && Clock::now() < end)
        std::this_thread::sleep_for(milliseconds(1));
}

void report_errors(int port, const std::function<void()>& work) {
    try {
        work();
    } catch (const std::exception& error) {
        send(port, {{"error", error.what()}});
    }
}

void send_truth(int port, Workload& workload) {
    report_errors(port, [&] {
        for (const json& message : workload.take_truth())
            send_and_wait(port, message);
    });
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
            send_truth(port, workload);
            continue;
        }
        pollfd poll_port{port, POLLIN, 0};
        ::poll(&poll_port, 1, static_cast<int>(left));
        if (!(poll_port.revents & POLLIN)) {
            // A port without a reader on the host reports POLLHUP all the time.
            if (poll_port.revents) std::this_thread::sleep_for(milliseconds(left));
            continue;
        }
        std::array<char, 4096> chunk{};
        const ssize_t size = ::read(port, chunk.data(), chunk.size());
        if (size > 0) input.append(chunk.data(), static_cast<std::size_t>(size));
        for (std::size_t end; (end = input.find('\n')) != std::string::npos;) {
            report_errors(port, [&] { workload.apply(json::parse(input.substr(0, end))); });
            input.erase(0, end + 1);
            send_truth(port, workload);
        }
    }
}

}  // namespace
}  // namespace vnuma::workload

int main() {
    using namespace vnuma::workload;
    mount_kernel_file_systems();
    load_balloon_driver();
    const int port = open_port();
    if (port < 0) {
        std::fputs("this guest has no virtio port org.vnumad.guest\n", stderr);
        ::reboot(RB_POWER_OFF);
        return 1;
    }
    serve(port);
}
