#include "src/control/queries/find_guest.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "guests/process/process.hpp"
#include "src/control/queries/cells.hpp"
#include "tests/src/control/queries/made_up_tick.hpp"

namespace vnuma::control {
namespace {

using test::MadeUpTick;

class FindGuest : public ::testing::Test {
  protected:
    FindGuest() {
        for (const auto& [name, uuid] : {std::pair("web1", "11111111-2222-3333-4444-555555555555"),
                                         std::pair("web2", "aaaaaaaa-2222-3333-4444-555555555555")})
            made.add_guest(name, uuid, {0}, {mib, 0});
        made.sample(1).id = 12;
    }
    std::optional<std::size_t> index(const std::string& name) const {
        const auto found = find_guest(made.tick, name);
        const auto* known = std::get_if<std::size_t>(&found);
        return known ? std::optional(*known) : std::nullopt;
    }
    Refused refused(const std::string& name) const {
        return std::get<Refused>(find_guest(made.tick, name));
    }

    MadeUpTick made;
};

TEST_F(FindGuest, TakesANameAUuidInAnySpellingAndLibvirtsNumber) {
    EXPECT_EQ(index("web2"), 1U);
    EXPECT_EQ(index("AAAAAAAA222233334444555555555555"), 1U);
    EXPECT_EQ(index("{aaaaaaaa-2222-3333-4444-555555555555}"), 1U);
    EXPECT_EQ(index("12"), 1U);
}

TEST_F(FindGuest, TakesAPidUnlessLibvirtHasThatNumber) {
    auto process = Process::open(::getpid());
    ASSERT_TRUE(process);
    made.sample(0).process = std::make_shared<const Process>(std::move(*process));
    EXPECT_EQ(index(std::to_string(::getpid())), 0U);
    made.sample(1).id = ::getpid();
    EXPECT_EQ(index(std::to_string(::getpid())), 1U);
}

TEST_F(FindGuest, PrefersANameThatLooksLikeANumber) {
    made.sample(0).name = "12";
    EXPECT_EQ(index("12"), 0U);
}

TEST_F(FindGuest, NamesTheNearestNameWhereThereIsNone) {
    EXPECT_STREQ(refused("wbe1").error_class, guest_not_found);
    EXPECT_EQ(refused("wbe1").description, "there is no guest \"wbe1\"; did you mean \"web1\"?");
    EXPECT_EQ(refused("database").description, "there is no guest \"database\"");
    EXPECT_EQ(refused("-1").description, "there is no guest \"-1\"");
    EXPECT_FALSE(index(""));
    EXPECT_FALSE(index("99999999999999999999"));
    made.tick.list_problem = "libvirt does not answer";
    EXPECT_EQ(refused("database").description,
              "there is no guest \"database\", and not all guests are known: libvirt does not "
              "answer");
    EXPECT_EQ(refused("wbe1").description,
              "there is no guest \"wbe1\"; did you mean \"web1\"? And not all guests are known: "
              "libvirt does not answer");
}

TEST_F(FindGuest, ListsTheUuidsWhereSeveralGuestsHaveTheName) {
    made.sample(1).name = "web1";
    EXPECT_STREQ(refused("web1").error_class, invalid_argument);
    EXPECT_EQ(refused("web1").description,
              "2 guests are called \"web1\": name one by its UUID, "
              "11111111-2222-3333-4444-555555555555 or aaaaaaaa-2222-3333-4444-555555555555");
    EXPECT_EQ(command_name(made.tick, 1), "aaaaaaaa-2222-3333-4444-555555555555");
    for (int i = 0; i < 10; ++i)
        made.add_guest("web1", "b" + std::to_string(i), {0}, {mib, 0});
    EXPECT_TRUE(refused("web1").description.ends_with("b5 (and 4 more)"))
        << refused("web1").description;
}

TEST_F(FindGuest, SaysThatItIsBlindBeforeTheFirstLookAndAfterOneThatFailed) {
    Tick tick;
    EXPECT_STREQ(std::get<Refused>(find_guest(tick, "web1")).error_class, is_blind);
    tick.blind = "libvirt has no guests";
    EXPECT_EQ(std::get<Refused>(find_guest(tick, "web1")).description,
              "vnumad could not see the guests in its last look: libvirt has no guests");
}

}  // namespace
}  // namespace vnuma::control
