#include "policy/guest_sections.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using Paths = std::vector<std::string>;

const std::string uuid = "abcdef01-2345-4678-89ab-cdefabcdef01";
const GuestIdentity web{uuid, "web-1", "/kubepods/burstable/pod7/c1"};

PolicySections sections(const Paths& names) {
    PolicySections all;
    for (const std::string& name : names)
        all[name];
    return all;
}

Paths paths_of(const Paths& guests, const Paths& cgroups, const GuestIdentity& guest = web) {
    const PolicySections of_guests = sections(guests), of_cgroups = sections(cgroups);
    Paths paths;
    for (const GuestSection& section : find_sections(of_guests, of_cgroups, guest))
        paths.push_back(section.path);
    return paths;
}

TEST(GuestSections, ComeInTheOrderOfHowMuchTheySayAboutTheGuest) {
    EXPECT_EQ(paths_of({"*", uuid, "web-1", "web-*", "w*"},
                       {"/kubepods/*", "/kubepods/burstable/pod7/c1", "/kubepods/burstable/*"}),
              (Paths{"cgroup./kubepods/*", "cgroup./kubepods/burstable/*",
                     "cgroup./kubepods/burstable/pod7/c1", "guest.*", "guest.w*", "guest.web-*",
                     "guest.web-1", "guest." + uuid}));
    EXPECT_EQ(paths_of({"web-?", "web*1"}, {}), (Paths{"guest.web*1", "guest.web-?"}))
        << "with as much literal text, the later one in the alphabet is the more specific one";
}

TEST(GuestSections, AreNotThoseOfOtherGuests) {
    EXPECT_EQ(paths_of({"web", "mail*", "?", "WEB-1", "abcdef01*"},
                       {"/kubepods", "kubepods/*", "/machine.slice/*"}),
              Paths());
    const GuestIdentity nowhere{uuid, "web-1"};
    EXPECT_EQ(paths_of({}, {"*"}, nowhere), Paths()) << "its control group is not known";
}

TEST(GuestSections, AGuestWithoutAUuidIsFoundByWhatItHasInstead) {
    EXPECT_EQ(paths_of({"100.qmp", "*.qmp"}, {}, {"100.qmp", "100.qmp"}),
              (Paths{"guest.*.qmp", "guest.100.qmp"}));
}

TEST(GuestSections, OfAUuidAreAlsoThoseOfACopy) {
    EXPECT_EQ(paths_of({uuid}, {}, {uuid + "/b.sock", "copy"}), Paths{"guest." + uuid});
}

TEST(GuestSections, AreFoundByANameThatLooksLikeAUuidOrAPattern) {
    EXPECT_EQ(paths_of({uuid}, {}, {"other", "ABCDEF012345467889ABCDEFABCDEF01"}),
              Paths{"guest." + uuid});
    EXPECT_EQ(paths_of({"web[1]"}, {}, {"other", "web[1]"}), Paths{"guest.web[1]"});
    EXPECT_EQ(paths_of({"web[1]"}, {}, {"other", "web1"}), Paths{"guest.web[1]"});
}

TEST(UnmatchedSections, AreThoseThatNoGuestHas) {
    HostPolicy host;
    host.guests = sections({"web-1", "wbe-1", "w*", "m*"});
    host.cgroups = sections({"/kubepods/*", "/machine/*"});
    host.run_time.guests = sections({uuid, "wbe-1"});
    host.run_time.cgroups = sections({"/pods/*"});
    EXPECT_EQ(find_unmatched_sections(host, {web, {"u", "mail"}}),
              (Paths{"guest.wbe-1", "cgroup./machine/*", "run-time policy, guest.wbe-1",
                     "run-time policy, cgroup./pods/*"}));
    EXPECT_EQ(find_unmatched_sections(host, {}).size(), 9U);
    EXPECT_EQ(find_unmatched_sections({}, {web}), Paths());
}

}  // namespace
}  // namespace vnuma
