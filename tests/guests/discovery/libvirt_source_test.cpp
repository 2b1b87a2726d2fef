#include "guests/discovery/libvirt_source.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <semaphore>

#include "guests/discovery/guest_source.hpp"
#include "guests/model/listed_guest.hpp"
#include "tests/guests/discovery/hanging_calls.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

// Calls about domains, by name. While it is null no call hangs.
test::HangingCalls* hanging_calls = nullptr;

// The name that stands for lists with states.
constexpr const char* states_call = "list with states";
// Is added to the flags of lists with states.
unsigned more_flags = 0;
constexpr unsigned flag_that_no_driver_knows = 1U << 28;

}  // namespace
}  // namespace vnuma

// Replace libvirt's functions in this program.
extern "C" int virDomainGetJobInfo(virDomainPtr domain, virDomainJobInfoPtr info) {
    if (vnuma::hanging_calls) vnuma::hanging_calls->enter(virDomainGetName(domain));
    static const auto original =
        reinterpret_cast<decltype(&virDomainGetJobInfo)>(::dlsym(RTLD_NEXT, "virDomainGetJobInfo"));
    return original(domain, info);
}

extern "C" int virConnectGetAllDomainStats(virConnectPtr connection, unsigned int stats,
                                           virDomainStatsRecordPtr** records, unsigned int flags) {
    if (vnuma::hanging_calls) vnuma::hanging_calls->enter(vnuma::states_call);
    static const auto original = reinterpret_cast<decltype(&virConnectGetAllDomainStats)>(
        ::dlsym(RTLD_NEXT, "virConnectGetAllDomainStats"));
    return original(connection, stats, records, flags | vnuma::more_flags);
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
        more_flags = 0;
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
    std::counting_semaphore<> hints{0};
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
    settings.ask_at_every_look = true;
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
    settings.ask_at_every_look = true;
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

TEST_F(LibvirtSourceTest, OfDomainsThatRunAsBeforeOnlyTheListIsAskedFor) {
    connect();
    for (int look = 1; look <= 3; ++look) {
        const auto guests = list();
        ASSERT_EQ(guests.size(), 2U);
        EXPECT_EQ(find(guests, "web")->state, RunState::running);
        EXPECT_EQ(find(guests, "web")->unsteady, "");
        EXPECT_TRUE(find(guests, "web")->domain);
        EXPECT_TRUE(find(guests, "web")->id);
        EXPECT_EQ(find(guests, "web")->job_known, look == 1);
        EXPECT_EQ(hanging.entered(states_call), look);
    }
    EXPECT_EQ(hanging.entered("web"), 1);
    EXPECT_EQ(hanging.entered("db"), 1);
}

TEST_F(LibvirtSourceTest, EveryDomainIsAskedAboutAtEveryLookWhereThatIsConfigured) {
    settings.ask_at_every_look = true;
    connect();
    for (int look = 1; look <= 3; ++look) {
        EXPECT_EQ(list().size(), 2U);
        EXPECT_EQ(hanging.entered("web"), look);
    }
    EXPECT_EQ(hanging.entered(states_call), 0);
}

TEST_F(LibvirtSourceTest, ALibvirtThatListsNoStatesIsAskedForThemOnceAndThenAboutEachDomain) {
    more_flags = flag_that_no_driver_knows;
    connect();
    for (int look = 1; look <= 3; ++look) {
        const auto guests = list();
        ASSERT_EQ(guests.size(), 2U);
        EXPECT_EQ(find(guests, "web")->unsteady, "");
        EXPECT_EQ(hanging.entered("web"), look);
    }
    EXPECT_EQ(hanging.entered(states_call), 1);
}

TEST_F(LibvirtSourceTest, WhileAListWithStatesHangsTheDomainsAreListedWithoutThem) {
    connect();
    list();
    hanging.hang({states_call});
    EXPECT_THROW(list(), SourceError);
    for (int look = 1; look <= 2; ++look) {
        const auto guests = list();
        ASSERT_EQ(guests.size(), 2U);
        EXPECT_EQ(find(guests, "web")->unsteady, "");
        EXPECT_EQ(hanging.entered("web"), 1 + look);
    }
    release();
    list();
    EXPECT_EQ(hanging.entered(states_call), 2) << "the pause is not over";
    hanging.advance(libvirt_limits::first_quarantine);
    list();
    EXPECT_EQ(hanging.entered(states_call), 3);
}

TEST_F(LibvirtSourceTest, AnEventIsAHintUponWhichTheDomainIsAskedAboutInTheNextLook) {
    settings.uri = "test:///default";  // all its connections share one host, with a domain "test"
    connect();
    source->set_on_hint([this] { hints.release(); });
    const std::string uuid = list().at(0).uuid;
    list();
    EXPECT_EQ(hanging.entered("test"), 1);

    const LibvirtConnection owner(settings.uri);
    const DomainHandle domain(virDomainLookupByUUIDString(owner.get(), uuid.c_str()));
    ASSERT_EQ(virDomainSetMetadata(domain.get(), VIR_DOMAIN_METADATA_TITLE, "new", nullptr, nullptr,
                                   VIR_DOMAIN_AFFECT_LIVE),
              0);
    ASSERT_TRUE(hints.try_acquire_for(10s));
    list();
    EXPECT_EQ(hanging.entered("test"), 2);
    list();
    EXPECT_EQ(hanging.entered("test"), 2);
}

TEST_F(LibvirtSourceTest, AnEventAfterTheSourceIsGoneHarmsNobody) {
    settings.uri = "test:///default";
    const LibvirtConnection owner(settings.uri);
    connect();
    source->set_on_hint([] { ADD_FAILURE() << "nobody listens any more"; });
    const std::string uuid = list().at(0).uuid;
    source.reset();
    const DomainHandle domain(virDomainLookupByUUIDString(owner.get(), uuid.c_str()));
    EXPECT_EQ(virDomainSetMetadata(domain.get(), VIR_DOMAIN_METADATA_TITLE, "newer", nullptr,
                                   nullptr, VIR_DOMAIN_AFFECT_LIVE),
              0);
    connect();  // whose thread handles what is left
    EXPECT_EQ(list().size(), 1U);
}

TEST_F(LibvirtSourceTest, ThePidOfADomainIsReadWithItsDescription) {
    files.write("web.pid", "4711\n");
    connect();
    EXPECT_EQ(find(list(), "web")->pid, 4711);
    files.write("web.pid", "4712\n");
    files.write("db.pid", "4713\n");
    const auto guests = list();
    EXPECT_EQ(find(guests, "web")->pid, 4711) << "the domain is not asked about";
    EXPECT_EQ(find(guests, "db")->pid, 4713) << "its process was not known";
    hanging.advance(libvirt_limits::resync);
    EXPECT_EQ(find(list(), "web")->pid, 4712);
}

}  // namespace
}  // namespace vnuma
