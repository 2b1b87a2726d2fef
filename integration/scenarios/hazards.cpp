// Scenarios about what else there may be on a host: other programs that place guests, memory that
// is short or pinned, and a monitor that is none. On a host with two nodes of two CPUs each.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>

#include "integration/host/direct_guest.hpp"
#include "integration/host/files.hpp"
#include "integration/host/memory_shortage.hpp"
#include "integration/host/pinned_memory.hpp"
#include "integration/host/process.hpp"
#include "integration/host/streaming_monitor.hpp"
#include "integration/scenarios/ordered_move.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

constexpr std::size_t mib = std::size_t{1} << 20;

// Whether an action of the report for the guest has such a text in this field.
bool tells(const json& report, const std::string& name, const char* key, const std::string& text) {
    const json guest = find_guest(report, name);
    for (const json& action : report.value("actions", json::array()))
        if (!guest.is_null() && action["uuid"] == guest["uuid"] &&
            action.value(key, "").find(text) != std::string::npos)
            return true;
    return false;
}

// ---- Other programs that place guests -----------------------------------------------------------

// A program of root with this name, which does nothing.
class NamedProgram {
  public:
    explicit NamedProgram(const std::string& name) {
        const std::string file = "/run/lab/" + name;
        std::filesystem::copy_file(std::filesystem::canonical("/bin/sleep"), file,
                                   std::filesystem::copy_options::overwrite_existing);
        pid_ = start_program({file, "3600"}, "/run/lab/command.log");
    }
    ~NamedProgram() { end_program(pid_, std::chrono::seconds(1)); }
    NamedProgram(const NamedProgram&) = delete;
    NamedProgram& operator=(const NamedProgram&) = delete;

  private:
    pid_t pid_ = -1;
};

struct Presence {
    const char* name;
    std::function<void()> begin, end;
};

// A program, started and ended.
Presence program(const char* name) {
    auto running = std::make_shared<std::unique_ptr<NamedProgram>>();
    return {name, [=] { *running = std::make_unique<NamedProgram>(name); },
            [=] { running->reset(); }};
}

// A file of the host that has one content or the other.
Presence file(const char* name, const std::string& path, const std::string& there,
              const std::string& gone) {
    return {name, [=] { write_text(path, there); }, [=] { write_text(path, gone); }};
}

bool names(const json& report, const std::string& rival) {
    for (const json& one : report.at("rivals"))
        if (one.at("name") == rival) return true;
    return false;
}

// The tick that is under way may have looked already; the one after it has not.
bool next_tick_names(Daemon& vnumad, const std::string& rival) {
    vnumad.take_reports();
    json report;
    for (int tick = 0; tick < 2; ++tick)
        report = vnumad.wait_for([](const json&) { return true; }, settle_limit);
    return !report.is_null() && names(report, rival);
}

TEST(Rivals, AreNamedInTheNextTickAndNotAnyMoreOnceTheyHaveEnded) {
    std::filesystem::create_directories("/var/lib/kubelet");
    const std::string kubelet = "/var/lib/kubelet/cpu_manager_state";
    libvirt_host();
    Daemon vnumad(observing);
    ASSERT_TRUE(let_pass(vnumad, 1)) << vnumad.output();
    for (const Presence& rival :
         {program("numad"), program("tuned"), program("irqbalance"),
          file("numa_balancing", "/proc/sys/kernel/numa_balancing", "1", "0"),
          file("ksm", "/sys/kernel/mm/ksm/run", "1", "0"),
          file("kubelet", kubelet, R"({"policyName":"static","checksum":1})",
               R"({"policyName":"none","checksum":2})")}) {
        EXPECT_FALSE(next_tick_names(vnumad, rival.name)) << rival.name;
        rival.begin();
        EXPECT_TRUE(next_tick_names(vnumad, rival.name)) << rival.name;
        rival.end();
        EXPECT_FALSE(next_tick_names(vnumad, rival.name)) << rival.name;
    }
    std::filesystem::remove(kubelet);
}

// ---- Memory that is short -----------------------------------------------------------------------

TEST(AHostThatIsShortOfMemory, MovesNoneUntilItIsNotShortAnyMore) {
    Guest guest(libvirt_host(), verifying("waiting"));
    const int home = other_node(guest);
    order_home(guest, std::to_string(home));
    const auto before = placement_of(guest).memory_share;
    auto shortage = std::make_unique<MemoryShortage>();
    ASSERT_TRUE(wait_until([] { return memory_pressure() > 30; }, settle_limit));
    Daemon vnumad(ordered(""));
    const auto waits = [](const json& report) {
        return tells(report, "waiting", "skipped", "the host is short of memory");
    };
    EXPECT_FALSE(vnumad.wait_for(waits, settle_limit).is_null()) << vnumad.output();
    ASSERT_TRUE(let_pass(vnumad, 5)) << vnumad.output();
    EXPECT_NEAR(placement_of(guest).memory_share.at(1 - home), before.at(1 - home), 0.05)
        << vnumad.output();
    shortage.reset();
    const auto at_home = [&] { return home_of(placement_of(guest)) == home; };
    EXPECT_TRUE(wait_until(at_home, settle_limit)) << vnumad.output();
    EXPECT_EQ(guest.verify_memory(), "");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_nothing_left(guest);
}

// ---- Memory that is pinned ----------------------------------------------------------------------

TEST(MemoryThatIsPinned, StaysWithItsReasonAndTheRestComesHome) {
    GuestShape shape = verifying("pinned");
    shape.elements = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>";
    Guest guest(libvirt_host(), shape);
    auto part = std::make_unique<PinnedMemory>(guest.pid());
    const auto pages = part->pages();
    const int home = pages.contains(0) && pages.at(0) > PinnedMemory::size / 4096 / 2 ? 1 : 0;
    order_home(guest, std::to_string(home));
    Daemon vnumad(ordered(""));
    const auto told = [](const json& report) {
        return tells(report, "pinned", "error", "a device or another process holds them");
    };
    EXPECT_FALSE(vnumad.wait_for(told, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(part->pages(), pages);
    // All that is away is what is pinned.
    EXPECT_LE(placement_of(guest).memory_bytes[1 - home],
              pages.at(1 - home) * 4096 + std::size_t{4} * mib);
    EXPECT_EQ(guest.verify_memory(), "");
    part.reset();
    const auto at_home = [&] { return home_of(placement_of(guest)) == home; };
    EXPECT_TRUE(wait_until(at_home, settle_limit)) << vnumad.output();
    EXPECT_EQ(guest.verify_memory(), "");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_nothing_left(guest);
}

// ---- A monitor that is none ---------------------------------------------------------------------

// The most memory that the process has had, bytes.
std::uint64_t peak_memory(pid_t pid) {
    const std::string status = read_text("/proc/" + std::to_string(pid) + "/status");
    const std::size_t at = status.find("VmHWM:");
    return at == std::string::npos ? 0 : std::strtoull(status.c_str() + at + 6, nullptr, 10) * 1024;
}

TEST(AMonitorThatStreamsEvents, CostsLittleMemoryAndHoldsUpNobody) {
    DirectGuest guest(verifying("beside"));
    const StreamingMonitor stream("/run/lab/qmp/stream.sock");
    const int home = other_node(guest);
    order_home(guest, std::to_string(home));
    Daemon vnumad(ordered(qmp_config));
    const auto at_home = [&] { return home_of(placement_of(guest)) == home; };
    EXPECT_TRUE(wait_until(at_home, settle_limit)) << vnumad.output();
    EXPECT_TRUE(let_pass(vnumad, 10)) << vnumad.output();
    EXPECT_TRUE(wait_until([&] { return stream.sent_bytes() > 64 * mib; }, settle_limit));
    const std::uint64_t peak = peak_memory(vnumad.pid());
    std::cout << "the stream had " << stream.sent_bytes() / mib << " MiB; vnumad had " << peak / mib
              << " MiB of memory at most\n";
    EXPECT_LT(peak, 64 * mib);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_nothing_left(guest);
}

// ---- Pages on their way -------------------------------------------------------------------------

// How long the guest's vCPUs have waited for disks and for memory, as their cgroups tell.
std::uint64_t stalled_us(const Guest& guest) {
    std::uint64_t sum = 0;
    for (const auto& [vcpu, thread] : guest.vcpu_threads()) {
        std::string group = read_text("/proc/" + std::to_string(guest.pid()) + "/task/" +
                                      std::to_string(thread) + "/cgroup");
        group = group.substr(group.find("::") + 2);
        group.pop_back();
        for (const char* file : {"/io.pressure", "/memory.pressure"}) {
            const std::string text = read_text("/sys/fs/cgroup" + group + file);
            const std::size_t at = text.find("total=");
            EXPECT_NE(at, std::string::npos) << group << file;
            if (at != std::string::npos) sum += std::strtoull(text.c_str() + at + 6, nullptr, 10);
        }
    }
    return sum;
}

// The latency guard counts on that.
TEST(VcpusThatWaitForPagesOnTheirWay, AreSeenInThePressureOfTheirCgroups) {
    Guest guest(libvirt_host(), verifying("stalled"));
    // Microseconds a second.
    const auto rate_while = [&](const auto& work) {
        const auto begin = std::chrono::steady_clock::now();
        const std::uint64_t before = stalled_us(guest);
        work();
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
        return static_cast<double>(stalled_us(guest) - before) / taken.count();
    };
    const double without = rate_while([&] { EXPECT_EQ(guest.verify_memory(), ""); });
    order_home(guest, std::to_string(other_node(guest)));
    Daemon vnumad(ordered(""));
    const double with = rate_while([&] {
        const auto at_home = [&] { return home_of(placement_of(guest)) >= 0; };
        EXPECT_TRUE(wait_until(at_home, settle_limit)) << vnumad.output();
    });
    std::cout << "waited " << without << " us a second without a move and " << with
              << " us during one\n";
    EXPECT_GT(with, 2 * without);
    EXPECT_GT(with, 0);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

}  // namespace
}  // namespace vnuma::lab
