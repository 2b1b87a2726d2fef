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
    QmpDeadlines deadlines{};
};

class QmpSource : public GuestSource {
  public:
    static constexpr std::size_t max_sockets = 4096;

    // Tests pass their own clock.
    explicit QmpSource(QmpSettings settings, QmpPeers::Now now = std::chrono::steady_clock::now);
    ~QmpSource() override;

    const char* name() const override { return "qmp"; }
    std::vector<ListedGuest> list() override;
    RunState read_state(const std::string& uuid) override;
    bool may_ask_monitor() const override { return true; }
    RamView read_ram_view(const std::string& uuid) override;
    bool start_write_measurement(const std::string& uuid, std::chrono::seconds duration) override;
    WriteMeasurement read_write_measurement(const std::string& uuid) override;
    std::size_t hung_calls() const override { return 0; }

  private:
    using Connections = std::vector<QmpConnection*>;

    // Reads all guests that are not in quarantine and those whose pause is over, at the same time.
    void read_guests();
    // Waits for the reads until the time comes.
    void wait_for(const Connections& connections, std::chrono::steady_clock::time_point end);
    // Opens and closes connections so that each socket in the directory has one. Throws
    // SourceError.
    void follow_directory();
    std::unique_ptr<QmpConnection> connect(const std::string& socket, QmpGuest guest);
    // How long a command may take, and how long all of a call may.
    struct Limits {
        std::chrono::milliseconds one, all;
    };
    // Runs `call` with the guest's connection and monitor and returns what it returns. Throws
    // MonitorError.
    template <typename Call>
    auto call_monitor(const std::string& uuid, Call call, Limits limits);
    // Runs the connections until the condition holds; false if it does not before the time comes.
    template <typename Condition>
    bool run_until(Condition condition, std::chrono::steady_clock::time_point end);

    std::string directory_;
    QmpDeadlines deadlines_;
    // For calls to monitors until the next list; of slow guests, and of all others.
    std::chrono::steady_clock::duration slow_calls_left_{0}, calls_left_{0};
    boost::asio::io_context context_{1};
    QmpPeers peers_;
    std::map<std::string, std::unique_ptr<QmpConnection>> connections_;  // by the socket's name
    std::map<std::string, std::string> sockets_;  // by the uuid of the guest, as listed last
};

}  // namespace vnuma
