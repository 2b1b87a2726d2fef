// What the kernel tells of by itself, so that the loop looks sooner: that a KVM VM has come or
// gone, and that threads wait for CPUs. Events are hints: what is lost is found at the next look.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <string_view>

#include "guests/process/file_descriptor.hpp"

namespace vnuma {

// Descriptors that have to be opened before vnumad gives up its capabilities. What this kernel does
// not offer, or does not permit, is no descriptor.
struct HostEventFiles {
    // KVM's uevents: a multicast of AF_NETLINK (lib/kobject_uevent.c).
    FileDescriptor kvm;
    // A trigger on /proc/pressure/cpu (Documentation/accounting/psi.rst): threads have waited for a
    // CPU for the tenth of a window of 2 s.
    FileDescriptor cpu_pressure;
};
HostEventFiles open_host_events();

// Whether a uevent tells that a VM was created or destroyed (kvm_uevent_notify_change() in
// virt/kvm/kvm_main.c). Pure.
bool is_kvm_event(std::string_view uevent);

class HostEvents {
  public:
    // On a host that is always short of CPUs, the trigger would wake the loop all the time: after
    // one event it is left alone for so long.
    static constexpr std::chrono::seconds pressure_pause{16};

    // `on_event` is called on the context's thread, from start() until stop().
    HostEvents(boost::asio::io_context& context, HostEventFiles files,
               std::function<void()> on_event);

    void start();
    void stop();

  private:
    void wait_for_kvm();
    void wait_for_pressure();
    void pause_pressure();

    std::function<void()> on_event_;
    boost::asio::posix::stream_descriptor kvm_, pressure_;
    boost::asio::steady_timer pause_;
};

}  // namespace vnuma
