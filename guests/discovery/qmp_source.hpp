// Guests that QEMU runs without libvirt. Each has a QMP socket in a common directory.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/qmp_connection.hpp"
#include "guests/model/listed_guest.hpp"

namespace vnuma {

struct QmpSettings {
    std::string directory;              // with the sockets
    std::string vm_file = kvm_vm_file;  // tests have no KVM, and name another file
};

class QmpSource : public GuestSource {
  public:
    // list() waits this long for all guests together. It does not wait again for a guest that takes
    // longer before QEMU replies to another command.
    static constexpr std::chrono::milliseconds reply_limit{1000};
    // Time limit for all commands of one call to a monitor.
    static constexpr std::chrono::milliseconds monitor_limit{2000};
    static constexpr std::size_t max_sockets = 4096;

    // Tests pass their own clock.
    explicit QmpSource(QmpSettings settings, QmpPeers::Now now = std::chrono::steady_clock::now);
    ~QmpSource() override;

    const char* name() const override { return "qmp"; }
    std::vector<ListedGuest> list() override;
    bool may_ask_monitor() const override { return true; }
    RamView read_ram_view(const std::string& uuid) override;
    bool start_write_measurement(const std::string& uuid, std::chrono::seconds duration) override;
    WriteMeasurement read_write_measurement(const std::string& uuid) override;
    std::size_t hung_calls() const override { return 0; }

  private:
    // Opens and closes connections so that each socket in the directory has one. Throws
    // SourceError.
    void follow_directory();
    std::unique_ptr<QmpConnection> connect(const std::string& socket, QmpGuest guest);
    // Runs `call` with the guest's connection and monitor and returns what it returns. Throws
    // MonitorError.
    template <typename Call>
    auto call_monitor(const std::string& uuid, Call call);
    // Runs the connections until the condition holds; false if it does not within the limit.
    template <typename Condition>
    bool run_until(Condition condition, std::chrono::milliseconds limit);

    std::string directory_;
    boost::asio::io_context context_{1};
    QmpPeers peers_;
    std::map<std::string, std::unique_ptr<QmpConnection>> connections_;  // by the socket's name
    std::map<std::string, std::string> sockets_;  // by the uuid of the guest, as listed last
};

}  // namespace vnuma
