// The loop on a host in memory.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <vector>

#include "policy/verdict/explain.hpp"
#include "src/controller.hpp"
#include "tests/src/fake_host.hpp"
#include "tests/temporary.hpp"

namespace vnuma::test {

// A host of two nodes with four CPUs and 1 GiB each, unless a test makes another. No file of the
// machine that the test runs on is read.
class Loop : public ::testing::Test {
  protected:
    Loop() {
        config.run_time_policy = "";
        config.state_directory = directory.path();
        config.planner.watermark = 0;
        config.interval_max = config.interval;  // tests count ticks
        make_host(2, 4, 1024 * mib);
    }

    void make_host(std::size_t nodes, int cpus, Bytes memory) {
        host = std::make_unique<FakeHost>(clock, nodes, cpus, memory);
    }

    // Runs so many ticks and returns the last one. All ticks of a test are of one run of the loop.
    const Tick& run(std::size_t ticks) {
        if (!controller)
            controller = std::make_unique<Controller>(
                config, host->host, *host, *host, clock, journal, hands_off, orders,
                Outputs{[this](const Tick&) { ++recorded; },
                        [this](const auto& tick) { this->ticks.push_back(*tick); }});
        if (!this->ticks.empty()) clock.pass(config.interval);  // run() begins with a tick at once
        const std::size_t until = this->ticks.size() + ticks;
        clock.is_over = [this, until] { return this->ticks.size() >= until; };
        boost::asio::io_context context;
        std::exception_ptr end;
        boost::asio::co_spawn(context, controller->run(),
                              [&](std::exception_ptr failure) { end = failure; });
        context.run();
        try {
            std::rethrow_exception(end);
        } catch (const boost::system::system_error& error) {
            EXPECT_EQ(error.code(), boost::asio::error::operation_aborted) << error.what();
        }
        EXPECT_EQ(this->ticks.size(), until);
        return this->ticks.back();
    }

    // Runs until a cell of one of the guests has this reason in a tick; at most so many ticks.
    bool reaches(Reason reason, const std::vector<std::string>& uuids, std::size_t most = 60) {
        for (std::size_t i = 0; i < most; ++i) {
            const Tick& tick = run(1);
            for (const std::string& uuid : uuids)
                if (find(tick, uuid, reason)) return true;
        }
        return false;
    }
    bool reaches(Reason reason, const std::string& uuid) {
        return reaches(reason, std::vector<std::string>{uuid});
    }

    static const Verdict* find(const Tick& tick, const std::string& uuid, Reason reason) {
        for (const Verdict& verdict : tick.plan.verdicts)
            if (verdict.key.uuid == uuid && verdict.reason == reason) return &verdict;
        return nullptr;
    }
    static const Verdict& verdict(const Tick& tick, const std::string& uuid) {
        for (const Verdict& one : tick.plan.verdicts)
            if (one.key.uuid == uuid) return one;
        throw std::runtime_error("there is no verdict for " + uuid);
    }

    TemporaryDirectory directory;
    FakeClock clock;
    Config config;
    Journal journal{directory.path("journal")};
    HandsOffGuests hands_off{directory.path("hands-off")};
    control::Orders orders;
    std::unique_ptr<FakeHost> host;
    std::unique_ptr<Controller> controller;
    std::vector<Tick> ticks;
    std::size_t recorded = 0;
};

}  // namespace vnuma::test
