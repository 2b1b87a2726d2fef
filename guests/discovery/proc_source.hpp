// Guests that nobody tells of: the processes that hold a KVM VM. Nobody is asked about them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/kvm_access.hpp"
#include "guests/discovery/kvm_processes.hpp"
#include "guests/discovery/proc_guest.hpp"
#include "guests/model/settings.hpp"

namespace vnuma {

class ProcSource : public GuestSource {
  public:
    using Now = std::function<std::chrono::steady_clock::time_point()>;

    static constexpr std::size_t max_guests = 4096;

    // Tests have other roots and their own clock. Without `load`, what KVM itself knows is not
    // read.
    explicit ProcSource(Roots roots = {}, Now now = std::chrono::steady_clock::now,
                        KvmAccess::Load load = {});

    const char* name() const override { return "proc"; }

    // Of guests with one UUID, the one whose process is the oldest keeps it, and the others have
    // "/PID-STARTTIME" added to it. As long as it lives, a guest keeps what it was listed with
    // first: it must not get the history of another one that has ended. A name that is made from a
    // control group has the pid added in the same way.
    std::vector<ListedGuest> list() override { return list_others({}); }
    // The same without these processes, by pid with their start times: nothing is read of them.
    std::vector<ListedGuest> list_others(const std::map<pid_t, std::uint64_t>& known);
    RunState read_state(const std::string& uuid) override;
    bool may_ask_monitor() const override { return false; }
    void permit_monitors(std::set<std::string>) override {}
    RamView read_ram_view(const std::string& uuid) override;
    bool start_write_measurement(const std::string& uuid, std::chrono::seconds duration) override;
    WriteMeasurement read_write_measurement(const std::string& uuid) override;
    std::size_t hung_calls() const override { return 0; }

  private:
    struct Guest {
        ProcGuest proc;
        std::string key{};  // the UUID that it was listed with first; empty if it never was
    };
    // A guest that is to be listed.
    struct Found {
        ListedGuest listed;
        Guest* guest;
    };

    // Follows which processes there are. Throws SourceError.
    void follow_processes();
    // Sorts them by age, and gives each its UUID and its name.
    void tell_apart(std::vector<Found>& found);

    Roots roots_;
    Now now_;
    KvmProcesses processes_;
    KvmAccess kvm_;
    std::map<pid_t, Guest> guests_;
    std::map<std::string, pid_t> pids_;  // by the uuid of the guest, as listed last
};

// What a guest's key has added to its UUID where another guest has it too.
std::string process_suffix(const Process& process);

}  // namespace vnuma
