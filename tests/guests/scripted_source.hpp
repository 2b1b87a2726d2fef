// A source of guests whose monitor answers as the test says.
#pragma once

#include <string>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "tests/guests/golden_monitor.hpp"

namespace vnuma::test {

// The monitor is that of the recorded guest "vnuma".
class ScriptedSource : public GuestSource {
  public:
    const char* name() const override { return called; }
    std::vector<ListedGuest> list() override { return {}; }
    RunState read_state(const std::string&) override { return RunState::running; }
    bool may_ask_monitor() const override { return may_ask; }
    void permit_monitors(std::set<std::string>) override {}
    RamView read_ram_view(const std::string&) override {
        ++asked;
        if (hangs) throw MonitorError("its monitor does not answer");
        if (!refusal.empty()) throw MonitorRefusal(refusal);
        GoldenMonitor monitor;
        return vnuma::read_ram_view(monitor);
    }
    bool start_write_measurement(const std::string&, std::chrono::seconds) override {
        throw MonitorError("none");
    }
    WriteMeasurement read_write_measurement(const std::string&) override {
        throw MonitorError("none");
    }
    std::size_t hung_calls() const override { return 0; }

    bool may_ask = true;  // whether the monitor may be asked
    bool hangs = false;   // whether the monitor does not answer
    std::string refusal;  // with which the monitor refuses; empty if it does not
    int asked = 0;        // how often the monitor was asked
    const char* called = "libvirt";
};

}  // namespace vnuma::test
