// All guests of the host: those of libvirt, and those that nobody tells of.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/proc_source.hpp"
#include "guests/model/settings.hpp"

namespace vnuma {

// Whether libvirt may serve this URI: one of its sockets is there, as far as the URI tells which.
// `run` is the directory of sockets, /run outside of tests.
bool may_have_libvirt(const std::string& uri, const std::string& run = "/run");

// libvirt is asked where it is, and every KVM process that is no guest of libvirt's is a guest of
// its own. While libvirt does not answer, its guests stay as they were listed last, and nothing is
// done to them; where there are no others, nothing can be seen (SourceError). A guest that libvirt
// has started, and has not told of, is not listed, whether libvirt is there or not.
class AutoSource : public GuestSource {
  public:
    struct Libvirt {
        std::unique_ptr<GuestSource> source;
        std::function<bool()> is_there;  // whether it is to be asked
        std::string pid_directory;       // with a file NAME.pid for each running domain
    };

    AutoSource(Libvirt libvirt, std::unique_ptr<ProcSource> proc);

    const char* name() const override { return "auto"; }

    // A guest of libvirt's keeps its UUID where another process has it too.
    std::vector<ListedGuest> list() override;
    std::string why_incomplete() const override { return incomplete_; }
    RunState read_state(const std::string& uuid) override;
    // Of the guests that have one.
    bool may_ask_monitor() const override { return libvirt_.source->may_ask_monitor(); }
    void permit_monitors(std::set<std::string> uuids) override {
        libvirt_.source->permit_monitors(std::move(uuids));
    }
    RamView read_ram_view(const std::string& uuid) override;
    bool start_write_measurement(const std::string& uuid, std::chrono::seconds duration) override;
    WriteMeasurement read_write_measurement(const std::string& uuid) override;
    std::size_t hung_calls() const override { return libvirt_.source->hung_calls(); }
    // Only libvirt tells of changes.
    void set_on_hint(std::function<void()> on_hint) override {
        libvirt_.source->set_on_hint(std::move(on_hint));
    }

  private:
    // Lists libvirt's guests. Returns why they are not known now; empty if they are.
    std::string list_libvirt();
    // Lists all others, and finds the processes of libvirt's guests among them.
    std::vector<ListedGuest> list_others();
    // Removes those that libvirt has started. Returns whether there were any.
    bool remove_started(std::vector<ListedGuest>& others) const;
    // Where a guest comes from, and its key there. Throws MonitorError.
    std::pair<GuestSource*, std::string> find(const std::string& uuid) const;

    Libvirt libvirt_;
    std::unique_ptr<ProcSource> proc_;
    std::vector<ListedGuest> by_libvirt_;  // as libvirt has listed them last
    std::string incomplete_;               // as why_incomplete() says
    // The processes that were found to be those of libvirt's guests, by uuid.
    std::map<std::string, std::shared_ptr<const Process>> processes_;
    // By the guest's key.
    std::map<std::string, std::pair<GuestSource*, std::string>> sources_;
};

}  // namespace vnuma
