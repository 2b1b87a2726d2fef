#include "guests/discovery/auto_source.hpp"

#include <gtest/gtest.h>

#include "tests/guests/discovery/proc_tree.hpp"
#include "tests/guests/scripted_source.hpp"

namespace vnuma {
namespace {

constexpr const char* web = "1d3cbe55-3b4e-4b2c-9c7a-0a1b2c3d4e5f";  // of the recorded "proxmox"

using Sources = std::map<std::string, std::string>;

class FakeLibvirt : public test::ScriptedSource {
  public:
    std::vector<ListedGuest> list() override {
        if (!failure.empty()) throw SourceError(failure);
        return guests;
    }
    RunState read_state(const std::string& uuid) override {
        asked_for = uuid;
        return RunState::dumping;
    }
    void set_on_hint(std::function<void()> function) override { on_hint = std::move(function); }

    std::function<void()> on_hint;
    std::vector<ListedGuest> guests;
    std::string failure, asked_for;
};

class AutoSourceTest : public ::testing::Test {
  protected:
    AutoSourceTest() {
        auto source = std::make_unique<FakeLibvirt>();
        libvirt = source.get();
        automatic = std::make_unique<AutoSource>(
            AutoSource::Libvirt{std::move(source), [this] { return is_there; },
                                tree.files.path("pids")},
            std::make_unique<ProcSource>(tree.roots(),
                                         [] { return std::chrono::steady_clock::time_point(); }));
    }
    static ListedGuest guest(const std::string& uuid, std::optional<pid_t> pid) {
        ListedGuest one;
        one.uuid = uuid;
        one.name = "of-libvirt";
        one.pid = pid;
        return one;
    }
    Sources sources() {
        Sources found;
        for (const ListedGuest& one : automatic->list())
            EXPECT_TRUE(found.emplace(one.uuid, one.source).second) << one.uuid;
        return found;
    }

    test::ProcTree tree;
    bool is_there = true;
    FakeLibvirt* libvirt = nullptr;
    std::unique_ptr<AutoSource> automatic;
};

TEST_F(AutoSourceTest, ListsEachGuestOnce) {
    tree.add("proxmox");
    tree.add("firecracker");
    libvirt->guests = {guest(web, 4711), guest("without-kvm", 77)};
    EXPECT_EQ(sources(),
              (Sources{{web, "libvirt"}, {"without-kvm", "libvirt"}, {"7000-40000", "proc"}}));
    EXPECT_EQ(automatic->read_state(web), RunState::dumping) << "libvirt is asked";
    EXPECT_EQ(automatic->read_state("7000-40000"), RunState::unknown);
    EXPECT_THROW(automatic->read_ram_view("7000-40000"), MonitorError);
    EXPECT_THROW(automatic->read_state("another"), MonitorError);
}

TEST_F(AutoSourceTest, PassesOnWhatLibvirtHintsAt) {
    int hints = 0;
    automatic->set_on_hint([&] { ++hints; });
    ASSERT_TRUE(libvirt->on_hint);
    libvirt->on_hint();
    EXPECT_EQ(hints, 1);
}

TEST_F(AutoSourceTest, AGuestThatLibvirtNamesNoMoreIsFoundAgain) {
    tree.add("proxmox");
    for (const auto pid : {std::optional<pid_t>(4711), std::optional<pid_t>()}) {
        libvirt->guests = {guest(web, pid)};
        for (int i = 0; i < 3; ++i) {
            const auto guests = automatic->list();
            ASSERT_EQ(guests.size(), 1U);
            EXPECT_EQ(std::string(guests[0].source), "libvirt");
            EXPECT_EQ(guests[0].pid, 4711);
        }
    }
    libvirt->guests.clear();
    EXPECT_EQ(sources(), (Sources{{web, "proc"}}));
}

TEST_F(AutoSourceTest, WithoutLibvirtAllGuestsAreFound) {
    is_there = false;
    libvirt->failure = "nobody asks";
    tree.add("proxmox");
    EXPECT_EQ(sources(), (Sources{{web, "proc"}}));
    tree.remove(4711);
    tree.set_newest(77);
    EXPECT_TRUE(sources().empty()) << "that is no failure";
    EXPECT_EQ(automatic->why_incomplete(), "");
}

TEST_F(AutoSourceTest, AGuestWhoseProcessLibvirtDoesNotTellIsFoundByItsUuid) {
    tree.add("proxmox");
    libvirt->guests = {guest(web, std::nullopt)};
    const auto guests = automatic->list();
    ASSERT_EQ(guests.size(), 1U);
    EXPECT_EQ(guests[0].pid, 4711);
    EXPECT_TRUE(guests[0].process);
}

TEST_F(AutoSourceTest, AnotherProcessWithTheUuidOfAGuestOfLibvirtsIsAnotherGuest) {
    tree.add("proxmox");
    libvirt->guests = {guest(web, 77)};
    EXPECT_EQ(sources(), (Sources{{web, "libvirt"}, {std::string(web) + "/4711-10000", "proc"}}));
    EXPECT_EQ(automatic->read_state(web), RunState::dumping);
    EXPECT_EQ(automatic->read_state(std::string(web) + "/4711-10000"), RunState::unknown);
}

TEST_F(AutoSourceTest, WhileLibvirtDoesNotAnswerItsGuestsAreKeptAndLeftAlone) {
    tree.add("proxmox");
    tree.add("firecracker");
    libvirt->guests = {guest(web, 4711)};
    automatic->list();
    libvirt->failure = "gone";
    EXPECT_EQ(sources(), (Sources{{web, "libvirt"}, {"7000-40000", "proc"}}));
    for (const ListedGuest& one : automatic->list())
        if (one.uuid == web) {
            EXPECT_EQ(one.unsteady, "libvirt does not tell of it now: gone");
        }
    libvirt->failure = "";
    for (const ListedGuest& one : automatic->list())
        if (one.uuid == web) {
            EXPECT_EQ(one.unsteady, "");
        }
}

TEST_F(AutoSourceTest, WithGuestsOfLibvirtOnlyNothingIsSeenWhileItDoesNotAnswer) {
    tree.add("proxmox");
    libvirt->guests = {guest(web, 4711)};
    automatic->list();
    libvirt->failure = "gone";
    EXPECT_THROW(automatic->list(), SourceError);
    libvirt->failure = "";
    is_there = false;
    EXPECT_THROW(automatic->list(), SourceError) << "its socket has gone";
}

TEST_F(AutoSourceTest, AGuestThatLibvirtHasStartedIsNobodyElses) {
    tree.add("proxmox");
    tree.add("firecracker");
    tree.files.write("pids/web.pid", "4711");
    tree.files.write("pids/other.xml", "7000");
    libvirt->failure = "has never answered";
    EXPECT_EQ(sources(), (Sources{{"7000-40000", "proc"}}));
    EXPECT_EQ(automatic->why_incomplete(), "has never answered");
}

// vnumad starts while libvirt is stopped.
TEST_F(AutoSourceTest, AGuestOfALibvirtThatWasNeverThereIsNobodyElses) {
    is_there = false;
    tree.add("proxmox");
    tree.files.write("pids/web.pid", "4711");
    EXPECT_THROW(automatic->list(), SourceError);
    tree.add("firecracker");
    EXPECT_EQ(sources(), (Sources{{"7000-40000", "proc"}}));
    EXPECT_EQ(automatic->why_incomplete(), "libvirt has started guests, but it is not there now");
}

TEST_F(AutoSourceTest, AGuestThatStartsAfterLibvirtWasAskedIsNobodyElses) {
    tree.add("proxmox");
    tree.files.write("pids/web.pid", "4711");
    EXPECT_TRUE(sources().empty()) << "that is no failure";
    EXPECT_EQ(automatic->why_incomplete(), "libvirt has started guests that it does not tell of");
    libvirt->guests = {guest(web, 4711)};
    EXPECT_EQ(sources(), (Sources{{web, "libvirt"}}));
    EXPECT_EQ(automatic->why_incomplete(), "");
}

TEST(MayHaveLibvirt, LooksForTheSocketsOfTheSystem) {
    const test::TemporaryDirectory run;
    EXPECT_FALSE(may_have_libvirt("qemu:///system", run.path()));
    EXPECT_TRUE(may_have_libvirt("qemu+unix:///system?socket=/nobody", run.path()));
    EXPECT_TRUE(may_have_libvirt("qemu:///system?socket=/nobody", run.path()));
    EXPECT_TRUE(may_have_libvirt("test:///default", run.path()));
    run.write("libvirt/virtqemud-sock", "");
    EXPECT_TRUE(may_have_libvirt("qemu:///system", run.path()));
}

}  // namespace
}  // namespace vnuma
