#include "src/observe/host_events.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/system/error_code.hpp>
#include <cerrno>
#include <utility>

#include "guests/process/files.hpp"

namespace vnuma {
namespace {

using boost::asio::posix::stream_descriptor;
using boost::system::error_code;

constexpr std::string_view pressure_trigger = "some 200000 2000000";  // microseconds

FileDescriptor open_kvm_events() {
    FileDescriptor socket(
        ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1;  // the kernel's own events; udev sends others to group 2
    if (socket &&
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        socket.reset();
    return socket;
}

FileDescriptor open_cpu_pressure() {
    FileDescriptor file(::open("/proc/pressure/cpu", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    // The kernel wants the 0 at the end, too.
    if (file && !write_once(file.get(), {pressure_trigger.data(), pressure_trigger.size() + 1}))
        file.reset();
    return file;
}

void assign(stream_descriptor& descriptor, FileDescriptor file) {
    if (!file) return;
    error_code error;
    descriptor.assign(file.get(), error);
    if (!error) (void)file.release();
}

}  // namespace

HostEventFiles open_host_events() {
    return {open_kvm_events(), open_cpu_pressure()};
}

bool is_kvm_event(std::string_view uevent) {
    // "change@/devices/virtual/misc/kvm", then fields, each with a 0 at its end.
    const std::string_view header = uevent.substr(0, uevent.find('\0'));
    return header.ends_with("/misc/kvm") && (uevent.find("EVENT=create") != uevent.npos ||
                                             uevent.find("EVENT=destroy") != uevent.npos);
}

HostEvents::HostEvents(boost::asio::io_context& context, HostEventFiles files,
                       std::function<void()> on_event)
    : on_event_(std::move(on_event)), kvm_(context), pressure_(context), pause_(context) {
    assign(kvm_, std::move(files.kvm));
    assign(pressure_, std::move(files.cpu_pressure));
}

void HostEvents::start() {
    if (kvm_.is_open()) wait_for_kvm();
    if (pressure_.is_open()) wait_for_pressure();
}

void HostEvents::stop() {
    error_code ignored;
    kvm_.close(ignored);
    pressure_.close(ignored);
    pause_.cancel();
}

void HostEvents::wait_for_kvm() {
    kvm_.async_wait(stream_descriptor::wait_read, [this](error_code error) {
        if (error) return;
        std::array<char, 4096> uevent{};
        bool about_kvm = false;
        ssize_t size = 0;
        while ((size = ::read(kvm_.native_handle(), uevent.data(), uevent.size())) > 0)
            about_kvm |= is_kvm_event({uevent.data(), static_cast<std::size_t>(size)});
        // Where the kernel had more events than there was room for, one may have been about KVM.
        if (about_kvm || (size < 0 && errno == ENOBUFS)) on_event_();
        wait_for_kvm();
    });
}

// The kernel tells of a trigger as of urgent data (EPOLLPRI), which Asio calls an error.
void HostEvents::wait_for_pressure() {
    pressure_.async_wait(stream_descriptor::wait_error, [this](error_code error) {
        if (error) return;
        on_event_();
        pause_pressure();
    });
}

void HostEvents::pause_pressure() {
    pause_.expires_after(pressure_pause);
    pause_.async_wait([this](error_code error) {
        if (!error) wait_for_pressure();
    });
}

}  // namespace vnuma
