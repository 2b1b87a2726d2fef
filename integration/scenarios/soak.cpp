// A soak: guests that verify their memory arrive and depart, owners re-pin vCPUs, and libvirtd and
// vnumad are ended and started again, all at random. It asks for a host with two nodes of two CPUs
// each, and takes from its environment:
//   SOAK_SECONDS   how long it lasts; default 1800
//   SOAK_SEED      what its events follow from; default: the time
//   SOAK_OBSERVE   if set, vnumad only observes: what happens then is not its doing
// It consists of segments, each with its own guests and its own vnumad: emulation may end a host
// (docs/lab.md), and then only the segment that ran is done again. In the second half of a segment
// vnumad is not ended any more, so that its memory and descriptors can be compared at the beginning
// and at the end of one process.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <set>

#include "integration/host/files.hpp"
#include "integration/host/kdamonds.hpp"
#include "integration/host/process.hpp"
#include "integration/host/vcpu_activity.hpp"
#include "integration/scenarios/ordered_move.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;
using std::chrono::seconds;

constexpr int segments = 6;
constexpr std::size_t most_guests = 4;
constexpr int guest_mib = 192;
constexpr std::uint64_t guest_bytes = std::uint64_t{guest_mib} << 20;
constexpr seconds longest_arrival{60};  // what it takes beyond that does not count

// What vnumad may have grown by from the second quarter of its last process to the last one: the
// first warms up.
constexpr double most_rss_growth = 0.15;
constexpr std::int64_t most_rss_growth_kib = 2048;
constexpr int most_descriptor_growth = 8;
constexpr std::size_t least_uses = 8;  // readings in the second half

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value ? std::strtoull(value, nullptr, 10) : otherwise;
}

// What vnumad uses.
struct Use {
    std::int64_t rss_kib = 0;
    int descriptors = 0;
};

Use use_of(pid_t pid) {
    Use use;
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) use.rss_kib = std::atoll(line.c_str() + 6);
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
        ++use.descriptors;
    return use;
}

// At most, in some of the readings.
Use highest(const std::vector<Use>& uses, std::size_t begin, std::size_t end) {
    Use most;
    for (std::size_t i = begin; i < end; ++i) {
        most.rss_kib = std::max(most.rss_kib, uses[i].rss_kib);
        most.descriptors = std::max(most.descriptors, uses[i].descriptors);
    }
    return most;
}

class Soak {
  public:
    Soak(std::uint64_t seed, seconds time) : time_(time), random_(seed) {}

    void run();
    void print() const;

  private:
    struct Kind {
        const char* name;
        int weight;
        bool (Soak::*happen)();  // false if it cannot happen now
    };
    static const std::vector<Kind> kinds;

    std::size_t pick(std::size_t below) { return random_() % below; }
    bool in_second_half() const { return Clock::now() - begin_ > time_ / 2; }
    // On a slow machine a segment lasts longer, so that there is enough to compare.
    bool is_over() const {
        const auto lasted = Clock::now() - begin_;
        return lasted >= time_ && (uses_.size() >= least_uses || lasted >= 3 * time_);
    }
    void start_vnumad() {
        vnumad_ = std::make_unique<Daemon>(ordered(
            "planner.changes_per_hour = 60\n", std::getenv("SOAK_OBSERVE") ? observing : acting));
    }
    void let_one_event_happen();
    void remove(std::size_t guest);
    void drop_reset_guests();
    void drop(std::size_t guest, const std::string& problem);
    void verify(std::size_t guest);
    void expect_owners_affinities(const std::string& after);
    void end();

    bool arrive();
    bool depart();
    bool crash();
    bool order();
    bool repin();
    bool pause();
    bool end_libvirtd();
    bool stop_for_some_ticks();
    bool kill_vnumad();
    bool restart_vnumad();

    const seconds time_;
    Clock::time_point begin_ = Clock::now();
    std::mt19937_64 random_;
    std::vector<std::unique_ptr<Guest>> guests_;
    std::map<pid_t, std::vector<int>> owners_choice_;  // of threads that were re-pinned
    std::unique_ptr<Daemon> vnumad_;
    int arrivals_ = 0, lost_pins_ = 0, stuck_ = 0, emulated_wrongly_ = 0;
    std::uint64_t verified_pages_ = 0, checked_threads_ = 0;
    std::map<std::string, int> events_;
    std::vector<Use> uses_;  // of the last process of vnumad
};

const std::vector<Soak::Kind> Soak::kinds{
    {"arrivals", 30, &Soak::arrive},
    {"departures", 15, &Soak::depart},
    {"crashes of guests", 5, &Soak::crash},
    {"orders of a home", 20, &Soak::order},
    {"re-pins", 10, &Soak::repin},
    {"pauses", 8, &Soak::pause},
    {"ends of libvirtd", 8, &Soak::end_libvirtd},
    {"stops of vnumad for some ticks", 4, &Soak::stop_for_some_ticks},
    {"kills of vnumad", 10, &Soak::kill_vnumad},
    {"restarts of vnumad", 4, &Soak::restart_vnumad},
};

bool Soak::arrive() {
    if (guests_.size() >= most_guests) return false;
    const int vcpus = 1 + static_cast<int>(pick(2));
    GuestShape shape{"soak" + std::to_string(++arrivals_), {{vcpus, guest_mib}}, {}, 32};
    shape.verify = true;
    // Whoever confines a guest's threads while it boots is an owner, and does so before vnumad
    // pins.
    if (pick(2) == 0) {
        shape.first_touch_nodes = {0, 1};
        write_text(freeze_file, "");
    }
    const Clock::time_point begin = Clock::now();
    guests_.push_back(std::make_unique<Guest>(libvirt_host(), shape));
    std::filesystem::remove(freeze_file);
    // Emulation may keep a guest from booting, which is known after minutes (docs/lab.md).
    begin_ += std::max<Clock::duration>(Clock::now() - begin - longest_arrival, seconds(0));
    return true;
}

bool Soak::depart() {
    if (guests_.size() < 2) return false;
    const std::size_t guest = pick(guests_.size());
    const std::size_t before = guests_.size();
    verify(guest);
    if (guests_.size() == before) remove(guest);
    return true;
}

bool Soak::crash() {
    if (guests_.size() < 2) return false;
    const std::size_t guest = pick(guests_.size());
    ::kill(guests_[guest]->pid(), SIGKILL);
    remove(guest);
    return true;
}

bool Soak::order() {
    if (guests_.empty()) return false;
    order_home(*guests_[pick(guests_.size())], std::to_string(pick(2)));
    return true;
}

// To one CPU: vnumad pins to those of a node.
bool Soak::repin() {
    if (guests_.empty()) return false;
    const auto threads = guests_[pick(guests_.size())]->vcpu_threads();
    if (threads.empty()) return false;
    const pid_t thread =
        std::next(threads.begin(), static_cast<long>(pick(threads.size())))->second;
    const std::vector<int> cpus = node_cpus(static_cast<int>(pick(2)));
    owners_choice_[thread] = {cpus[pick(cpus.size())]};
    set_affinity(thread, owners_choice_[thread]);
    return true;
}

bool Soak::pause() {
    if (guests_.empty()) return false;
    const std::size_t guest = pick(guests_.size());
    guests_[guest]->pause();
    let_pass(*vnumad_, 2);
    guests_[guest]->resume();
    return true;
}

bool Soak::end_libvirtd() {
    libvirt_host().end_libvirtd(pick(2) == 0 ? SIGKILL : SIGTERM);
    if (pick(2) == 0) let_pass(*vnumad_, 2);
    libvirt_host().start_libvirtd();
    return true;
}

bool Soak::stop_for_some_ticks() {
    const StoppedProcess stopped(vnumad_->pid());
    wait_until([] { return false; }, seconds(5));
    return true;
}

bool Soak::kill_vnumad() {
    if (in_second_half()) return false;
    ::kill(vnumad_->pid(), SIGKILL);
    vnumad_->wait_for_end(settle_limit);
    if (pick(2) == 0) {
        const Restoration restored = run_restore();
        EXPECT_EQ(restored.status, 0) << restored.output;
        expect_owners_affinities("a restore");
        EXPECT_EQ(kdamonds(), 0);
    }
    start_vnumad();
    return true;
}

bool Soak::restart_vnumad() {
    if (in_second_half()) return false;
    EXPECT_EQ(vnumad_->stop(), 0) << vnumad_->output();
    expect_owners_affinities("a stop");
    start_vnumad();
    return true;
}

void Soak::remove(std::size_t guest) {
    verified_pages_ += guests_[guest]->verified_pages();
    guests_.erase(guests_.begin() + static_cast<long>(guest));
}

// A guest that emulation has reset or that is stuck (docs/lab.md) is no more, and another one takes
// its place.
void Soak::drop_reset_guests() {
    for (std::size_t i = guests_.size(); i-- > 0;)
        if (::kill(guests_[i]->pid(), 0) != 0) drop(i, guests_[i]->name() + ": its QEMU has ended");
}

void Soak::drop(std::size_t guest, const std::string& problem) {
    const int resets = guests_reset();
    remove(guest);
    if (guests_reset() == resets) ADD_FAILURE() << problem;
}

void Soak::verify(std::size_t guest) {
    const std::string problem = guests_[guest]->verify_memory();
    if (problem.empty()) return;
    const bool has_lost_state = has_state_of_host(problem, guest_bytes);
    if (guests_[guest]->has_wrong_pages() || (!has_lost_state && !guests_[guest]->all_vcpus_run()))
        return drop(guest, problem);
    std::cout << "soak: " << problem
              << (has_lost_state ? "emulation gave it the state of the host\n"
                                 : "its vCPUs run nevertheless\n");
    ++(has_lost_state ? emulated_wrongly_ : stuck_);
    remove(guest);
}

// While no vnumad runs. Only re-pinned threads do not have all CPUs.
void Soak::expect_owners_affinities(const std::string& after) {
    std::vector<int> all = node_cpus(0);
    for (const int cpu : node_cpus(1))
        all.push_back(cpu);
    for (const auto& guest : guests_)
        for (const auto& [thread, cpus] : affinities_of(*guest)) {
            const auto choice = owners_choice_.find(thread);
            const std::vector<int>& owners = choice == owners_choice_.end() ? all : choice->second;
            ++checked_threads_;
            if (cpus == owners || cpus.empty()) continue;
            ++lost_pins_;
            ADD_FAILURE() << "after " << after << " thread " << thread << " of " << guest->name()
                          << " lacks its owner's CPUs";
        }
}

void Soak::let_one_event_happen() {
    int sum = 0;
    for (const Kind& kind : kinds)
        sum += kind.weight;
    int at = static_cast<int>(pick(static_cast<std::size_t>(sum)));
    for (const Kind& kind : kinds) {
        at -= kind.weight;
        if (at >= 0) continue;
        if ((this->*kind.happen)()) ++events_[kind.name];
        return;
    }
}

void Soak::run() {
    start_vnumad();
    while (!is_over() && !::testing::Test::HasFailure()) {
        drop_reset_guests();
        if (guests_.empty()) arrive();
        let_one_event_happen();
        let_pass(*vnumad_, 1);
        if (!guests_.empty()) verify(pick(guests_.size()));
        if (in_second_half()) uses_.push_back(use_of(vnumad_->pid()));
    }
    end();
}

void Soak::end() {
    std::filesystem::remove(policy_file);
    for (std::size_t i = guests_.size(); i-- > 0;)
        verify(i);
    for (const auto& guest : guests_)
        verified_pages_ += guest->verified_pages();
    EXPECT_TRUE(let_pass(*vnumad_, 3)) << vnumad_->output();
    EXPECT_EQ(vnumad_->stop(), 0) << vnumad_->output();
    expect_owners_affinities("the last stop");
    const Restoration restored = run_restore();
    EXPECT_EQ(restored.output, "");
    EXPECT_EQ(kdamonds(), 0);
    std::set<std::string> uuids, left;
    for (const auto& guest : guests_)
        uuids.insert(guest->uuid());
    if (std::filesystem::exists(hands_off_directory))
        for (const auto& entry : std::filesystem::directory_iterator(hands_off_directory))
            left.insert(entry.path().filename());
    EXPECT_TRUE(std::includes(uuids.begin(), uuids.end(), left.begin(), left.end()))
        << left.size() << " files in " << hands_off_directory << " with " << uuids.size()
        << " guests";

    EXPECT_EQ(stuck_, 0) << "nobody knows why a guest is stuck whose vCPUs run";
    ASSERT_GE(uses_.size(), least_uses) << "too few events to compare anything";
    const std::size_t quarter = uses_.size() / 4;
    const Use first = highest(uses_, quarter, 2 * quarter),
              last = highest(uses_, uses_.size() - quarter, uses_.size());
    EXPECT_LE(static_cast<double>(last.rss_kib),
              static_cast<double>(first.rss_kib) * (1 + most_rss_growth) + most_rss_growth_kib);
    EXPECT_LE(last.descriptors, first.descriptors + most_descriptor_growth);
}

void Soak::print() const {
    const std::size_t quarter = uses_.size() / 4;
    const Use first = highest(uses_, quarter, 2 * quarter),
              last = highest(uses_, uses_.size() - quarter, uses_.size());
    std::cout << "soak: " << std::chrono::duration_cast<seconds>(Clock::now() - begin_).count()
              << " s\n";
    for (const auto& [name, count] : events_)
        std::cout << "soak: " << count << " " << name << "\n";
    std::cout << "soak: " << guests_reset() << " guests reset by emulation\n"
              << "soak: " << emulated_wrongly_ << " guests with the state of the host\n"
              << "soak: " << stuck_ << " guests stuck while their vCPUs ran\n"
              << "soak: " << verified_pages_ << " pages verified by their guests\n"
              << "soak: affinities of " << checked_threads_ << " threads checked, " << lost_pins_
              << " lost\n"
              << "soak: RSS " << first.rss_kib << " KiB at most in the second quarter of vnumad's "
              << "last process, " << last.rss_kib << " KiB in the last\n"
              << "soak: descriptors " << first.descriptors << " and " << last.descriptors << "\n";
}

class Segment : public ::testing::TestWithParam<int> {};

TEST_P(Segment, GuestsKeepTheirMemoryAndOwnersTheirPinsWhateverHappens) {
    const std::uint64_t seed = setting("SOAK_SEED", static_cast<std::uint64_t>(std::time(nullptr)));
    const seconds time(static_cast<int>(setting("SOAK_SECONDS", 1800)) / segments);
    std::cout << "soak: segment " << GetParam() << " of SOAK_SEED=" << seed << std::endl;
    Soak soak(seed + static_cast<std::uint64_t>(GetParam()), time);
    soak.run();
    soak.print();
}

INSTANTIATE_TEST_SUITE_P(Soak, Segment, ::testing::Range(0, segments));

}  // namespace
}  // namespace vnuma::lab
