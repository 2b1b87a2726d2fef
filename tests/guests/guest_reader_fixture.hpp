// A guest that is read from the recording of its process.
#pragma once

#include "guests/guest_reader.hpp"

#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/run_state.hpp"
#include "guests/memory/page_nodes.hpp"
#include "guests/model/listed_guest.hpp"
#include "tests/guests/golden_monitor.hpp"
#include "tests/guests/scripted_source.hpp"

namespace vnuma {

class GuestReaderTest : public ::testing::Test {
  protected:
    void record(const std::string& shape) {
        host.emplace(shape);
        reader.emplace(host->roots());
        listed.domain = std::make_shared<const Domain>(test::golden_domain(shape));
        listed.uuid = listed.domain->uuid;
        listed.name = shape;
        listed.state = RunState::running;
        listed.pid = host->pid;
    }
    // Reads the guest with its residency.
    GuestSample read(bool rare_too = false) { return read_guest(rare_too, true); }
    GuestSample read_without_residency() { return read_guest(false, false); }
    GuestSample read_guest(bool rare_too, bool residency) {
        GuestSample sample = reader->read(listed, source, rare_too);
        if (residency && sample.process)
            reader->memory().read_residency(*sample.process, {pages, pages},
                                            ResidencyMode::automatic, false);
        reader->memory().fill(sample, std::chrono::steady_clock::now());
        return sample;
    }

    std::optional<test::RecordedHost> host;
    std::optional<GuestReader> reader;
    ListedGuest listed;
    test::ScriptedSource source;
    MovePagesReader pages;
};

}  // namespace vnuma
