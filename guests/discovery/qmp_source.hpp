// Guests that QEMU runs without libvirt. Each has a QMP socket in a common directory.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/qmp_connection.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/settings.hpp"

namespace vnuma {

struct QmpSettings {
    std::string directory;                                       // with the sockets
    std::vector<std::string> patterns = default_qmp_patterns();  // of the names of sockets of QMP
    std::string vm_file = kvm_vm_file;  // tests have no KVM, and name another file
    QmpDeadlines deadlines{};
};

// What a look costs follows what has changed: a guest is asked when it is new, does not simply run,
// or has a new thread, when somebody has found its state to be another one, and at the resyncs of
// qmp_limits. QEMU's events reach nobody, since no connection is open between two questions, and
// set_on_hint() has nothing to tell of.
class QmpSource : public GuestSource {
  public:
    static constexpr std::size_t max_sockets = 4096;

    // The UUIDs that processes are listed with, by pid, start time, and the UUID that QEMU tells.
    using Uuids = std::map<std::tuple<pid_t, std::uint64_t, std::string>, std::string>;

    // Tests pass their own clock.
    explicit QmpSource(QmpSettings settings, QmpPeers::Now now = std::chrono::steady_clock::now);
    ~QmpSource() override;

    const char* name() const override { return "qmp"; }
    // Of guests with one UUID, the one that was listed first keeps it (at the same time: the one
    // whose process is the oldest), and the others have "/" and their socket's name added to it,
    // for as long as their processes run. A guest that was not asked in this look is listed as it
    // was when it was asked last. Its read_at is the look, which has found its process and no new
    // thread, and its job is not known.
    std::vector<ListedGuest> list() override;
    std::string why_incomplete() const override { return incomplete_; }
    RunState read_state(const std::string& uuid) override;
    bool may_ask_monitor() const override { return true; }
    void permit_monitors(std::set<std::string> uuids) override { permitted_ = std::move(uuids); }
    RamView read_ram_view(const std::string& uuid) override;
    bool start_write_measurement(const std::string& uuid, std::chrono::seconds duration) override;
    WriteMeasurement read_write_measurement(const std::string& uuid) override;
    std::size_t hung_calls() const override { return 0; }

  private:
    using Connections = std::vector<QmpConnection*>;
    class Session;

    // Reads all guests that are due and not in quarantine, and those in quarantine whose pause is
    // over, at the same time.
    void read_guests();
    // Waits until the connections have ended or the time comes.
    void wait_for(const Connections& connections, std::chrono::steady_clock::time_point end);
    // Makes a connection for each socket in the directory that is to be read, and closes those of
    // sockets that are gone. Throws SourceError.
    void follow_directory();
    std::unique_ptr<QmpConnection> connect(const std::string& socket, QmpGuest guest,
                                           QmpDepth depth = QmpDepth::description);
    // How long connecting, or a command, may take; and how long all of a call may.
    struct Limits {
        std::chrono::milliseconds one, all;
    };
    // Connects, runs `call` with the guest's connection and monitor, disconnects, and returns what
    // it returns. Throws MonitorError.
    template <typename Call>
    auto call_monitor(const std::string& uuid, Call call, Limits limits);
    // Runs the connections until the condition holds; false if it does not before the time comes.
    template <typename Condition>
    bool run_until(Condition condition, std::chrono::steady_clock::time_point end);

    std::string directory_;
    std::vector<std::string> patterns_;
    QmpDeadlines deadlines_;
    // For calls to monitors until the next list; of slow guests, and of all others.
    std::chrono::steady_clock::duration slow_calls_left_{0}, calls_left_{0};
    boost::asio::io_context context_{1};
    QmpPeers peers_;
    std::map<std::string, std::unique_ptr<QmpConnection>> connections_;  // by the socket's name
    std::map<std::string, std::string> sockets_;  // by the uuid of the guest, as listed last
    Uuids uuids_;                                 // of the processes that are trusted
    std::set<std::string> permitted_;             // uuids
    std::string incomplete_;                      // as why_incomplete() says
};

}  // namespace vnuma
