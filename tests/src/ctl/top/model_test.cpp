#include "src/ctl/top/model.hpp"

#include <gtest/gtest.h>

#include "src/ctl/top/layout.hpp"
#include "src/ctl/top/navigation.hpp"
#include "tests/src/ctl/top/sample.hpp"

namespace vnuma::ctl::top {
namespace {

using Names = std::vector<std::string>;

Names shown_names(const Model& model) {
    Names names;
    for (const std::size_t index : model.shown)
        names.push_back(model.guests[index].name);
    return names;
}

std::vector<Ask> asked(const std::vector<Request>& requests) {
    std::vector<Ask> asks;
    for (const Request& request : requests)
        asks.push_back(request.ask);
    return asks;
}

using Asks = std::vector<Ask>;
const std::string db = "db-of-the-accounting-department";

TEST(TopModel, AsksForTheStatusOnceASecondAndForGuestsWhenThereWasATick) {
    Step step = start({});
    EXPECT_EQ(asked(step.requests), (Asks{Ask::no_events, Ask::status}));
    step = update(std::move(step.model), Reply(make_status()));
    EXPECT_EQ(asked(step.requests), Asks{Ask::guests});
    step = update(std::move(step.model), SecondPassed{});
    EXPECT_EQ(asked(step.requests), Asks{Ask::status});
    step = update(std::move(step.model), Reply(make_status()));
    EXPECT_EQ(asked(step.requests), Asks{});
    auto later = make_status();
    ++later.tick;
    step = update(std::move(step.model), Reply(later));
    EXPECT_EQ(asked(step.requests), Asks{Ask::guests});
}

TEST(TopModel, ARestartedDaemonIsNewEvenInTheSameTick) {
    auto other = make_status();
    ++other.pid;
    EXPECT_EQ(asked(update(make_model(), Reply(other)).requests), Asks{Ask::guests});
}

TEST(TopModel, SortsByWhatNeedsAnEyeMost) {
    Model model = make_model();
    EXPECT_EQ(shown_names(model), (Names{db, "build", "web1", "web2"}));
    model = press(std::move(model), U's');
    EXPECT_EQ(shown_names(model), (Names{"build", db, "web1", "web2"})) << "by name";
    model = press(std::move(model), U'r');
    EXPECT_EQ(shown_names(model), (Names{"web2", "web1", db, "build"}));
    for (const char* key : {"CPU", "memory", "locality"}) {
        model = press(std::move(model), U's');
        EXPECT_STREQ(name(model.order.key), key);
    }
    EXPECT_EQ(shown_names(model).front(), db) << "by locality, the lowest first";
}

TEST(TopModel, TheSelectedGuestStaysSelectedInAnotherOrder) {
    Model model = press(make_model(), Key::end);
    EXPECT_EQ(model.selected, "uuid-of-web2");
    model = press(press(std::move(model), U's'), U'r');
    EXPECT_EQ(model.selected, "uuid-of-web2");
    EXPECT_EQ(find_selected_row(model), 0U);
}

TEST(TopModel, WhenTheSelectedGuestEndsTheOneInItsRowIsSelected) {
    Model model = press(make_model(), U'j');
    EXPECT_EQ(model.selected, "uuid-of-build");
    auto guests = make_guests();
    guests.pop_back();
    model = after(std::move(model), Reply(guests));
    EXPECT_EQ(model.selected, "uuid-of-web1");
    model = after(std::move(model), Reply(std::vector<control::GuestSummary>{}));
    EXPECT_EQ(model.selected, "");
    EXPECT_EQ(press(std::move(model), Key::enter).view(), View::overview);
}

TEST(TopModel, FiltersWhileTyping) {
    Model model = press(make_model(), U'/');
    for (const char32_t letter : U"WEB")
        if (letter != 0) model = press(std::move(model), letter);
    EXPECT_EQ(shown_names(model), (Names{"web1", "web2"}));
    model = press(std::move(model), U'q');
    EXPECT_FALSE(model.quit) << "a letter of the filter is no command";
    EXPECT_TRUE(model.shown.empty());
    model = press(press(std::move(model), Key::backspace), Key::enter);
    EXPECT_EQ(shown_names(model), (Names{"web1", "web2"}));
    model = press(std::move(model), Key::escape);
    EXPECT_EQ(model.shown.size(), 4U);
}

TEST(TopModel, TheFilterIsBoundedAndItsCharactersStayWhole) {
    Model model = press(make_model(), U'/');
    for (int i = 0; i < 100; ++i)
        model = press(std::move(model), U'ö');
    EXPECT_LE(model.filter.size(), max_filter);
    const std::size_t before = model.filter.size();
    model = press(std::move(model), Key::backspace);
    EXPECT_EQ(model.filter.size(), before - 2);
}

TEST(TopModel, EnterShowsDetailsAndEscGoesBack) {
    Step step = update(press(make_model(), Key::end), KeyPress{Key::enter});
    EXPECT_EQ(step.model.view(), View::details);
    EXPECT_EQ(step.requests, (std::vector<Request>{{Ask::details, "uuid-of-web2"}}));
    step = update(std::move(step.model), KeyPress{Key::character, U'e'});
    EXPECT_EQ(step.requests, (std::vector<Request>{{Ask::explanation, "uuid-of-web2"}}));
    Model model = press(std::move(step.model), Key::escape);
    EXPECT_EQ(model.view(), View::details);
    model = press(press(std::move(model), Key::escape), Key::escape);
    EXPECT_EQ(model.view(), View::overview);
}

TEST(TopModel, TheWayBackIsBounded) {
    Model model = make_model();
    for (int i = 0; i < 100; ++i)
        model = press(std::move(model), i % 2 == 0 ? U'e' : U'h');
    EXPECT_EQ(model.views.size(), max_views);
    EXPECT_EQ(model.views.front(), View::overview);
}

TEST(TopModel, ALateReplyAboutAnotherGuestIsDropped) {
    Model model = press(press(make_model(), Key::end), Key::enter);
    control::GuestDetails details;
    details.summary = make_guest("web1", control::Doing::at_home, 0);
    model = after(std::move(model), Reply(details));
    EXPECT_FALSE(model.details);
    details.summary.uuid = "uuid-of-web2";
    EXPECT_TRUE(after(std::move(model), Reply(details)).details);
}

TEST(TopModel, AsksForAsManyBlocksAsFitAndAgainAfterResizing) {
    Step step = update(make_model(), KeyPress{Key::character, U'h'});
    ASSERT_EQ(step.requests.size(), 1U);
    EXPECT_EQ(step.requests[0].blocks, 72 * 19);
    step = update(std::move(step.model), Size{40, 10});
    ASSERT_EQ(step.requests.size(), 1U);
    EXPECT_EQ(step.requests[0].blocks, 32 * 5);
    step = update(std::move(step.model), Size{500, 200});
    EXPECT_LE(step.requests.at(0).blocks, 4096);
}

TEST(TopModel, FreezesOnlyAfterYes) {
    Model model = press(make_model(), U'f');
    ASSERT_TRUE(model.question);
    Step step = update(model, KeyPress{Key::enter});
    EXPECT_TRUE(step.requests.empty()) << "Enter is no answer";
    step = update(model, KeyPress{Key::character, U'n'});
    EXPECT_TRUE(step.requests.empty());
    EXPECT_FALSE(step.model.question);
    step = update(model, KeyPress{Key::character, U'y'});
    EXPECT_EQ(asked(step.requests), Asks{Ask::freeze});
    step = update(std::move(step.model), Reply(control::Done{"vnumad is frozen."}));
    EXPECT_EQ(step.model.message, "vnumad is frozen.");
}

TEST(TopModel, OffersToThawWhatIsFrozen) {
    auto frozen = make_status();
    frozen.frozen = "an administrator has frozen vnumad";
    Model model = press(after(make_model(), Reply(frozen)), U'f');
    const Step step = update(std::move(model), KeyPress{Key::character, U'y'});
    EXPECT_EQ(asked(step.requests), Asks{Ask::thaw});
}

TEST(TopModel, ChangesAPolicyOnlyAfterAChoiceAndYes) {
    Model model = press(press(make_model(), Key::end), U'p');
    ASSERT_TRUE(model.menu);
    // Four modes and two nodes come first.
    for (int i = 0; i < 5; ++i)
        model = press(std::move(model), Key::down);
    Step step = update(std::move(model), KeyPress{Key::enter});
    EXPECT_TRUE(step.requests.empty());
    ASSERT_TRUE(step.model.question);
    step = update(std::move(step.model), KeyPress{Key::character, U'y'});
    EXPECT_EQ(step.requests,
              (std::vector<Request>{{Ask::set_policy, "uuid-of-web2", 0, {"home", "1"}}}));
}

TEST(TopModel, ARefusalIsToldUntilTheNextKey) {
    Model model = after(make_model(), Reply(Failure{Ask::freeze, "Only root may.", false}));
    EXPECT_EQ(model.message, "Only root may.");
    EXPECT_EQ(press(std::move(model), Key::down).message, "");
}

TEST(TopModel, KeepsTheLastDataWhileVnumadIsGoneAndGoesOnAsking) {
    Model model = press(make_model(), U'f');
    model = after(std::move(model), Reply(Failure{Ask::status, "gone", true}));
    EXPECT_EQ(model.lost, "gone");
    EXPECT_FALSE(model.question) << "it could not be answered rightly any more";
    EXPECT_EQ(model.guests.size(), 4U);
    model = press(std::move(model), U'f');
    EXPECT_FALSE(model.question);
    EXPECT_NE(model.message, "");
    Step step = update(std::move(model), KeyPress{Key::enter});
    EXPECT_TRUE(step.requests.empty());
    step = update(std::move(step.model), SecondPassed{});
    EXPECT_EQ(asked(step.requests), Asks{Ask::status});
    step = update(std::move(step.model), Reply(make_status()));
    EXPECT_EQ(step.model.lost, "");
    EXPECT_EQ(asked(step.requests), (Asks{Ask::no_events, Ask::guests, Ask::details}));
}

TEST(TopModel, AVnumadThatDoesNotAnswerIsToldOfUntilItDoes) {
    using std::chrono::milliseconds;
    Model model = after(make_model(), SecondPassed{milliseconds(900)});
    EXPECT_EQ(make_notice(model), "") << "a slow reply is no trouble";
    model = after(std::move(model), SecondPassed{milliseconds(3200)});
    EXPECT_EQ(make_notice(model), "vnumad has not answered for 3 s");
    model = press(std::move(model), U'f');
    EXPECT_FALSE(model.question);
    EXPECT_NE(model.message, "");
    model = press(std::move(model), U'j');
    EXPECT_EQ(model.selected, "uuid-of-build") << "keys that ask for nothing still do what they do";
    model = after(std::move(model), Reply(make_status()));
    EXPECT_EQ(make_notice(model), "");
}

TEST(TopModel, AGuestThatEndedIsToldInItsView) {
    Model model = press(make_model(), Key::enter);
    model = after(std::move(model), Reply(Failure{Ask::details, "There is no guest db.", false}));
    EXPECT_EQ(model.view_trouble, "There is no guest db.");
    EXPECT_EQ(press(std::move(model), Key::escape).view_trouble, "");
}

TEST(TopModel, ATooSmallTerminalTakesNoKeyButQ) {
    Model model = after(press(make_model(), U'f'), Size{20, 5});
    Step step = update(model, KeyPress{Key::character, U'y'});
    EXPECT_TRUE(step.requests.empty());
    EXPECT_TRUE(step.model.question);
    EXPECT_TRUE(press(std::move(model), U'q').quit);
}

TEST(TopModel, ScrollsAPageToItsEndAndNoFurther) {
    Model model = press(make_model({40, 10}), U'?');
    model = press(press(std::move(model), Key::end), Key::end);
    const int end = model.scroll;
    EXPECT_GT(end, 0);
    EXPECT_EQ(press(model, Key::down).scroll, end);
    EXPECT_EQ(press(model, Key::up).scroll, end - 1);
    EXPECT_EQ(press(model, Key::home).scroll, 0);
}

TEST(TopModel, TheSelectionIsAlwaysInView) {
    Model model = make_model({40, 10});
    std::vector<control::GuestSummary> many;
    for (int i = 0; i < 50; ++i)
        many.push_back(make_guest("g" + std::to_string(i), control::Doing::at_home, 0));
    model = after(std::move(model), Reply(many));
    for (const Key key : {Key::end, Key::up, Key::page_up, Key::page_up, Key::home, Key::down}) {
        model = press(std::move(model), key);
        const std::size_t row = find_selected_row(model);
        EXPECT_GE(row, model.first_row);
        EXPECT_LT(row, model.first_row + 4);
    }
    EXPECT_EQ(find_selected_row(model), 1U);
}

}  // namespace
}  // namespace vnuma::ctl::top
