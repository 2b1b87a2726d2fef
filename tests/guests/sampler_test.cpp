#include "guests/sampler.hpp"

#include "guests/discovery/guest_source.hpp"
#include "guests/model/listed_guest.hpp"
#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

// Guests that were recorded, as libvirt would list them.
class RecordedSource : public GuestSource {
  public:
    RecordedSource(test::RecordedHost& host, const std::vector<std::string>& shapes,
                   std::vector<ListedGuest>*& listed) {
        for (const std::string& shape : shapes) {
            host.add(shape);
            ListedGuest guest;
            guest.domain = std::make_shared<const Domain>(test::golden_domain(shape));
            guest.uuid = guest.domain->uuid;
            guest.name = shape;
            guest.state = RunState::running;
            guest.pid = host.pid;
            guests_.push_back(std::move(guest));
        }
        listed = &guests_;
    }
    const char* name() const override { return "libvirt"; }
    std::vector<ListedGuest> list() override { return guests_; }
    RunState read_state(const std::string&) override { return RunState::running; }
    bool may_ask_monitor() const override { return false; }
    void permit_monitors(std::set<std::string> uuids) override { permitted = std::move(uuids); }
    RamView read_ram_view(const std::string&) override { throw MonitorError("none"); }
    bool start_write_measurement(const std::string&, std::chrono::seconds) override {
        throw MonitorError("none");
    }
    WriteMeasurement read_write_measurement(const std::string&) override {
        throw MonitorError("none");
    }
    std::size_t hung_calls() const override { return 0; }
    std::set<std::string> permitted;

  private:
    std::vector<ListedGuest> guests_;
};

class SamplerTest : public ::testing::Test {
  protected:
    SamplerTest() {
        source.emplace(host, std::vector<std::string>{"memfd", "wishes"}, listed);
        sampler.emplace(*source, nullptr, short_of_time());
    }
    SamplerSettings short_of_time() const {
        SamplerSettings settings;
        settings.roots = host.roots();
        settings.residency_time = std::chrono::microseconds(0);  // one guest in each sample
        return settings;
    }
    Sample sample(const SampleRequest& request = {}) {
        return sampler->sample(sampler->list(), request);
    }

    test::RecordedHost host{"helpers"};
    std::vector<ListedGuest>* listed = nullptr;
    std::optional<RecordedSource> source;
    std::optional<Sampler> sampler;
};

TEST_F(SamplerTest, ResidencyIsReadInTurnsWhereTimeIsShort) {
    const Sample first = sample();
    ASSERT_EQ(first.guests.size(), 2U);
    EXPECT_EQ(first.guests[0].unsteady, "");
    EXPECT_EQ(first.guests[1].unsteady, "its residency has not been read yet");
    const Sample second = sample();
    EXPECT_EQ(second.guests[1].unsteady, "");
    EXPECT_FALSE(second.guests[1].cells[0].residency.bytes.empty());
    EXPECT_EQ(second.guests[0].residency.time, first.guests[0].residency.time) << "as it was";
    EXPECT_EQ(second.guests[0].cells[0].residency.bytes, first.guests[0].cells[0].residency.bytes);
    const Sample third = sample();
    EXPECT_GT(third.guests[0].residency.time, second.guests[0].residency.time) << "the oldest";
}

TEST_F(SamplerTest, ACompleteSampleReadsAll) {
    for (const GuestSample& guest : sample({.complete = true}).guests)
        EXPECT_EQ(guest.unsteady, "") << guest.name;
}

TEST_F(SamplerTest, TellsWhyItDoesNotReadPagemapThatIsWanted) {
    EXPECT_EQ(sample().pagemap_problem, "") << "nobody wants it";
    SamplerSettings settings;
    settings.roots = host.roots();
    settings.pagemap = true;
    Sampler with_pagemap(*source, nullptr, settings);
    std::string why;
    make_pagemap_reader(why);
    EXPECT_EQ(with_pagemap.sample(with_pagemap.list(), {}).pagemap_problem, why);
}

TEST_F(SamplerTest, UrgentGuestsAreReadFirst) {
    sample();
    sample();
    const std::string urgent = listed->at(1).uuid;
    const Sample before = sample({.urgent = {urgent}}), after = sample({.urgent = {urgent}});
    EXPECT_GT(after.guests[1].residency.time, before.guests[1].residency.time);
    EXPECT_EQ(after.guests[0].residency.time, before.guests[0].residency.time);
}

TEST_F(SamplerTest, AGuestIsAsOldAsItsOldestReading) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<ListedGuest> list = sampler->list();
    EXPECT_GE(list[0].read_at, begin) << "its state was asked for in list()";
    list[0].read_at = begin - std::chrono::seconds(3);
    const Sample later = sampler->sample(list, {});
    EXPECT_EQ(later.guests[0].read_at, begin - std::chrono::seconds(3));
    EXPECT_LE(later.guests[1].read_at, later.time);
}

TEST_F(SamplerTest, MemoryThatAnotherProcessMapsIsImmovable) {
    EXPECT_EQ(sample({.complete = true}).guests[0].immovable, "");
    const std::string mapping = "7f0000000000-7f0010000000 rw-s 00000000 00:01 1027 /memfd:x\n";
    host.files.write("proc/9999/maps", mapping);
    host.files.write("proc/9999/comm", "spdk\n");
    std::map<std::string, std::string> immovable;
    for (const GuestSample& guest : sample({.complete = true}).guests)
        immovable[guest.name] = guest.immovable;
    EXPECT_EQ(immovable.at("memfd"), "process 9999 (spdk) maps its memory too");
    EXPECT_EQ(immovable.at("wishes"), "") << "its memory is private";
}

TEST_F(SamplerTest, MemoryStaysUntilItIsKnownWhoElseMapsIt) {
    for (std::size_t i = 0; i < MemorySharers::first_processes_at_once; ++i)
        std::filesystem::create_directories(
            host.files.path("proc/" + std::to_string(1'000'000 + i)));
    const auto immovable = [](const Sample& all) {
        std::map<std::string, std::string> by_name;
        for (const GuestSample& guest : all.guests)
            by_name[guest.name] = guest.immovable;
        return by_name;
    };
    const std::map<std::string, std::string> held{
        {"memfd", "it is not known yet who else maps its memory"}, {"wishes", ""}};
    EXPECT_EQ(immovable(sample()), held);
    EXPECT_EQ(immovable(sample()).at("memfd"), "");
    EXPECT_EQ(
        immovable(Sampler(*source, nullptr, short_of_time()).sample(*listed, {.complete = true}))
            .at("memfd"),
        "");
}

TEST_F(SamplerTest, EachListedGuestHasTheControlGroupOfItsProcess) {
    listed->at(1).pid.reset();
    const std::vector<ListedGuest> list = sampler->list();
    const bool first = list[0].pid.has_value();  // they are ordered by uuid
    EXPECT_TRUE(list[first ? 0 : 1].cgroup.starts_with("/machine/qemu-"))
        << list[first ? 0 : 1].cgroup;
    EXPECT_EQ(list[first ? 1 : 0].cgroup, "") << "its process is not known";
}

TEST_F(SamplerTest, TheSourceIsToldWhichGuestsVnumadMayActOn) {
    const std::string uuid = listed->at(0).uuid;
    sample({.acts_on = {uuid}});
    EXPECT_EQ(source->permitted, std::set<std::string>{uuid});
    sample();
    EXPECT_EQ(source->permitted, std::set<std::string>());
}

TEST_F(SamplerTest, AGuestThatIsGoneIsForgotten) {
    sample();
    const std::vector<ListedGuest> both = *listed;
    listed->pop_back();
    EXPECT_EQ(sample().guests.size(), 1U);
    *listed = both;
    sample();
    EXPECT_EQ(sample().guests[1].unsteady, "");
}

}  // namespace
}  // namespace vnuma
