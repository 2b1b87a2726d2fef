#include "guests/discovery/libvirt_source.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "guests/discovery/guest_source.hpp"
#include "guests/model/listed_guest.hpp"
#include "tests/guests/discovery/hanging_calls.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

// Calls about domains, by name. While it is null no call hangs.
test::HangingCalls* hanging_calls = nullptr;

}  // namespace
}  // namespace vnuma

// Replaces libvirt's function in this program.
extern "C" int virDomainGetJobInfo(virDomainPtr domain, virDomainJobInfoPtr info) {
    if (vnuma::hanging_calls) vnuma::hanging_calls->enter(virDomainGetName(domain));
    static const auto original =
        reinterpret_cast<decltype(&virDomainGetJobInfo)>(::dlsym(RTLD_NEXT, "virDomainGetJobInfo"));
    return original(domain, info);
}

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

// libvirt's test driver: a host inside this process, with the domains of a file.
class LibvirtSourceTest : public ::testing::Test {
  protected:
    LibvirtSourceTest() {
        describe_host({"web", "db"});
        settings.uri = "test://" + files.path("host.xml");
        settings.pid_directory = files.path();
        hanging_calls = &hanging;
    }
    ~LibvirtSourceTest() override {
        release();
        hanging_calls = nullptr;
    }

    void describe_host(const Names& domains) {
        std::string host = "<node>";
        for (const std::string& name : domains)
            host += "<domain type='test'><name>" + name +
                    "</name><memory unit='MiB'>64</memory><vcpu>2</vcpu>"
                    "<os><type>hvm</type></os></domain>";
        files.write("host.xml", host + "</node>");
    }
    void connect() { source.emplace(settings, hanging.clock(), hanging.wait()); }
    std::vector<ListedGuest> list() { return source->list(); }
    // The calls that hung before return.
    void release() {
        hanging.release();
        while (source && source->hung_calls() > 0)
            std::this_thread::yield();
    }

    test::TemporaryDirectory files;
    LibvirtSettings settings;
    test::HangingCalls hanging;
    std::optional<LibvirtSource> source;
};

const ListedGuest* find(const std::vector<ListedGuest>& guests, const std::string& name) {
    for (const ListedGuest& guest : guests)
        if (guest.name == name) return &guest;
    return nullptr;
}

TEST_F(LibvirtSourceTest, ListsWhatRunsWithStateDescriptionAndPid) {
    files.write("web.pid", "4711\n");
    connect();
    const std::vector<ListedGuest> guests = list();
    ASSERT_EQ(guests.size(), 2U);
    const ListedGuest* web = find(guests, "web");
    ASSERT_TRUE(web);
    EXPECT_EQ(web->state, RunState::running);
    EXPECT_EQ(web->unsteady, "");
    EXPECT_EQ(web->pid, 4711);
    ASSERT_TRUE(web->domain);
    EXPECT_EQ(web->domain->uuid, web->uuid);
    EXPECT_EQ(web->domain->cells.at(0).bytes, 64 << 20);
    EXPECT_EQ(find(guests, "db")->pid, std::nullopt);
}

TEST_F(LibvirtSourceTest, ADescriptionThatHasNotChangedIsTheSameObject) {
    connect();
    const auto first = list(), second = list();
    EXPECT_EQ(find(first, "web")->domain, find(second, "web")->domain);
    EXPECT_NE(find(first, "web")->domain, find(first, "db")->domain);
}

TEST_F(LibvirtSourceTest, WithoutLibvirtTheErrorNamesTheUriAndTheNextAttemptComesAfterAPause) {
    settings.uri = "test://" + files.path("nobody.xml");
    connect();
    const auto error = [&]() -> std::string {
        try {
            list();
        } catch (const SourceError& failure) {
            return failure.what();
        }
        return "";
    };
    EXPECT_NE(error().find("nobody.xml"), std::string::npos);
    describe_host({"web"});
    std::filesystem::rename(files.path("host.xml"), files.path("nobody.xml"));
    hanging.advance(libvirt_limits::first_reconnect - 1ms);
    EXPECT_NE(error(), "") << "no attempt is made before the pause is over";
    hanging.advance(1ms);
    EXPECT_EQ(error(), "");
}

TEST_F(LibvirtSourceTest, DomainsWhoseCallsHangLeaveTheListToTheOthers) {
    const Names names{"h0", "h1", "h2", "h3", "h4", "h5", "h6"};
    describe_host(names);
    connect();
    list();
    for (int repetition = 0; repetition < 5; ++repetition) {
        hanging.hang({"h0", "h1", "h2", "h3", "h4", "h5"});
        for (int i = 0; i < 3; ++i) {
            const auto before = hanging.now();
            const auto guests = list();
            EXPECT_LE(hanging.now() - before, libvirt_limits::list);
            EXPECT_EQ(guests.size(), names.size());
            for (const ListedGuest& guest : guests)
                EXPECT_TRUE(guest.domain) << guest.name << " keeps its description";
            EXPECT_NE(find(guests, "h0")->unsteady, "");
        }
        release();  // libvirt gives up by itself after 30 s
    }
    hanging.hang({"h0", "h1", "h2", "h3", "h4", "h5"});
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(find(list(), "h6")->unsteady, "") << "all others are in quarantine by now";
}

TEST_F(LibvirtSourceTest, TheStateOfAGuestIsReadByItself) {
    connect();
    EXPECT_THROW(source->read_state("nobody"), MonitorError) << "before the first list";
    const std::string uuid = find(list(), "web")->uuid;
    EXPECT_EQ(source->read_state(uuid), RunState::running);
    EXPECT_THROW(source->read_state("nobody"), MonitorError);
    hanging.hang({"web"});
    EXPECT_THROW(source->read_state(uuid), MonitorError);
}

TEST_F(LibvirtSourceTest, AMonitorItDoesNotReachIsAnErrorOfThatGuest) {
    connect();
    EXPECT_THROW(source->read_ram_view("nobody"), MonitorError) << "before the first list";
    const auto guests = list();
    source->permit_monitors({guests[0].uuid});
    EXPECT_THROW(source->read_ram_view(guests[0].uuid), MonitorRefusal)
        << "the test driver has no monitor";
    EXPECT_THROW(source->start_write_measurement(guests[0].uuid, std::chrono::seconds(1)),
                 MonitorError);
    EXPECT_THROW(source->read_write_measurement(guests[0].uuid), MonitorError);
    EXPECT_EQ(list().size(), 2U);
}

TEST_F(LibvirtSourceTest, OfAGuestThatVnumadMayNotActOnNoMonitorIsAskedAndNoMemoryMeasured) {
    connect();
    const std::string uuid = find(list(), "web")->uuid;
    const auto why_not = [&](auto call) -> std::string {
        try {
            call();
        } catch (const MonitorError& error) {
            return error.what();
        }
        return "";
    };
    const auto ask = [&] { source->read_ram_view(uuid); };
    const auto measure = [&] { source->start_write_measurement(uuid, 1s); };
    for (const std::string& other : {std::string(), find(list(), "db")->uuid}) {
        if (!other.empty()) source->permit_monitors({other});
        EXPECT_EQ(why_not(ask), monitor_not_permitted);
        EXPECT_EQ(why_not(measure), measuring_not_permitted);
    }
    source->permit_monitors({uuid});
    EXPECT_NE(why_not(ask), monitor_not_permitted) << "the test driver has no monitor";
    EXPECT_NE(why_not(measure), measuring_not_permitted);
    source->permit_monitors({});
    EXPECT_EQ(why_not(ask), monitor_not_permitted);
}

TEST_F(LibvirtSourceTest, TheMonitorOfADomainThatHangsIsNotCalled) {
    connect();
    const std::string uuid = find(list(), "web")->uuid;
    source->permit_monitors({uuid});
    hanging.hang({"web"});
    list();
    try {
        source->read_ram_view(uuid);
        ADD_FAILURE() << "a call was made";
    } catch (const MonitorError& error) {
        EXPECT_STREQ(error.what(), "libvirt has not answered for this domain for 1 s");
    }
}

}  // namespace
}  // namespace vnuma
