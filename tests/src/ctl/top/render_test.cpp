#include "src/ctl/top/render.hpp"

#include <gtest/gtest.h>

#include <random>

#include "src/ctl/plain_text.hpp"
#include "tests/src/ctl/top/sample.hpp"

namespace vnuma::ctl::top {
namespace {

constexpr Abilities ascii{.utf8 = false, .colour = false};
constexpr Abilities unicode{.utf8 = true, .colour = true};

// The rows of the picture without the blanks at their ends, after an empty line, so that a raw
// string may begin with one.
std::string draw(const Model& model, const Abilities& abilities = ascii) {
    const Grid grid = render(model, abilities);
    std::string text = "\n";
    for (int y = 0; y < grid.size().height; ++y) {
        std::string row = grid.row_text(y);
        row.erase(row.find_last_not_of(' ') + 1);
        text += row + '\n';
    }
    return text;
}

control::HeatMap make_heat_map(std::size_t blocks) {
    control::HeatMap map;
    map.uuid = "uuid-of-db-of-the-accounting-department";
    map.block_bytes = gib / 64;
    for (std::size_t i = 0; i < blocks; ++i) {
        control::HeatBlock block;
        if (i % 37 != 0) block.node = i < blocks / 2 ? 0 : 1;
        block.heat = static_cast<PerMille>(i * 1000 / blocks);
        block.accessor = static_cast<int>(i % 5) - 1;
        map.blocks.push_back(block);
    }
    return map;
}

control::GuestDetails make_details() {
    control::GuestDetails details;
    details.summary = make_guests()[2];
    details.report = nlohmann::json::parse(R"({"cells": [{
        "cell": 0,
        "verdict": {"explanation": "moves to node 1, which costs 12 CPU ms less in 60 s than node 0, because 3.0 GiB of its memory are there"},
        "vcpus": [{"vcpu": 0, "thread": 4712, "cpu": 9, "node": 1, "run_ms": 12345, "wait_ms": 12,
                   "affinity": "8-15", "affinity_from": "vnumad"}]}]})");
    details.policy = {{"mode", "act", "built-in", {}}, {"home", "1", "run-time", 9'000'000}};
    return details;
}

control::Explanation make_explanation() {
    control::Explanation explanation;
    explanation.name = "db";
    explanation.uuid = "uuid-of-db-of-the-accounting-department";
    explanation.guest = {"It runs, and its policy is mode act."};
    control::CellExplanation cell;
    cell.where_it_is = "Its 4 vCPUs run on node 0, 7.0 GiB of its memory are on node 1.";
    cell.why = "It costs less there.";
    cell.elsewhere = {"Node 0 has too little memory left."};
    cell.could_change = {"vnumactl policy set db home=0"};
    explanation.cells = {cell};
    return explanation;
}

TEST(TopRender, TheOverviewAt80x24) {
    EXPECT_EQ(draw(make_model()), R"(
vnumad act  2 at home  1 moving  1 waiting  02:13:20  4 guests  0 roaming
NODE CPU        USE/CPUS MEMORY        USED/ALL  FREE GUESTS NOT HOME HOT REMOTE
   0 [###=    ]  3.6/8.0 [##=     ] 24.0G/64.0G 40.0G  20.0G        0          0
   1 [###=    ]  3.6/8.0 [##=     ] 24.0G/64.0G 40.0G  20.0G        0       512M
NAME      DOING     HOME  LOC  CPU BY NODE           MOVES LEFT WHY
db-of-th~ moving    1     41%  1.5 1:7.0G 0:512M    256M/s  12s
build     waiting   -     50%  1.5 0:7.0G 1:512M                no node that it~
web1      at-home   0     93%  1.5 0:7.0G 1:512M
web2      at-home   1     93%  1.5 1:7.0G 0:512M














q quit  ? help  Enter details  e explain  h heat  s sort: doing  / filter
)");
}

TEST(TopRender, TheOverviewAt120x40) {
    EXPECT_EQ(draw(make_model({120, 40}), unicode), R"(
vnumad act  2 at home  1 moving  1 waiting  02:13:20  4 guests  0 roaming  0 left alone  tick 7
NODE CPU                            USE/CPUS MEMORY                            USED/ALL  FREE GUESTS NOT HOME HOT REMOTE
   0 [███████████▒▒               ]  3.6/8.0 [█████████▒                  ] 24.0G/64.0G 40.0G  20.0G        0          0
   1 [███████████▒▒               ]  3.6/8.0 [█████████▒                  ] 24.0G/64.0G 40.0G  20.0G        0       512M
NAME                     STATE   DOING     HOME LOCALITY    LOC  CPU   MEM BY NODE           MOVES LEFT WHY
db-of-the-accounting-de… running moving    1    [███     ]  41%  1.5  7.5G 1:7.0G 0:512M    256M/s  12s
build                    running waiting   -    [████    ]  50%  1.5  7.5G 0:7.0G 1:512M                no node that it…
web1                     running at-home   0    [███████ ]  93%  1.5  7.5G 0:7.0G 1:512M
web2                     running at-home   1    [███████ ]  93%  1.5  7.5G 1:7.0G 0:512M






























q quit  ? help  Enter details  e explain  h heat  s sort: doing  / filter  p policy  f freeze  n host
)");
}

TEST(TopRender, TheOverviewAt40x10) {
    EXPECT_EQ(draw(make_model({40, 10})), R"(
vnumad act 2 at home 1 moving 1 waiting
NODE CPU       USE/CPUS  FREE HOT REMOTE
   0 [###    ]  3.6/8.0 40.0G          0
   1 [###    ]  3.6/8.0 40.0G       512M
NAME            DOING     HOME  LOC  CPU
db-of-the-acco~ moving    1     41%  1.5
build           waiting   -     50%  1.5
web1            at-home   0     93%  1.5
web2            at-home   1     93%  1.5
q quit  ? help  Enter details  e explain
)");
}

TEST(TopRender, ATooSmallTerminalSaysSo) {
    EXPECT_EQ(draw(make_model({20, 5})), R"(
vnumad act. The
terminal is too
small: 40x10 is the
least.

)");
}

TEST(TopRender, NodesThatDoNotFitAreCounted) {
    EXPECT_EQ(draw(make_model({80, 24}, 9)), R"(
vnumad act  2 at home  1 moving  1 waiting  02:13:20  4 guests  0 roaming
NODE CPU        USE/CPUS MEMORY        USED/ALL  FREE GUESTS NOT HOME HOT REMOTE
   0 [###=    ]  3.6/8.0 [##=     ] 24.0G/64.0G 40.0G  20.0G        0          0
   1 [###=    ]  3.6/8.0 [##=     ] 24.0G/64.0G 40.0G  20.0G        0       512M
   2 [###=    ]  3.6/8.0 [##=     ] 24.0G/64.0G 40.0G  20.0G        0       512M
   3 [###=    ]  3.6/8.0 [##=     ] 24.0G/64.0G 40.0G  20.0G        0       512M
   4 [###=    ]  3.6/8.0 [##=     ] 24.0G/64.0G 40.0G  20.0G        0       512M
4 more nodes; n shows all of them
NAME      DOING     HOME  LOC  CPU BY NODE           MOVES LEFT WHY
db-of-th~ moving    1     41%  1.5 1:7.0G 0:512M    256M/s  12s
build     waiting   -     50%  1.5 0:7.0G 1:512M                no node that it~
web1      at-home   0     93%  1.5 0:7.0G 1:512M
web2      at-home   1     93%  1.5 1:7.0G 0:512M










q quit  ? help  Enter details  e explain  h heat  s sort: doing  / filter
)");
}

TEST(TopRender, TheDetailsOfAGuest) {
    EXPECT_EQ(draw(after(press(make_model(), Key::enter), Reply(make_details()))), R"(
Details of db-of-the-accounting-department  vnumad act  2 at home  1 moving
db-of-the-accounting-department (uuid-of-db-of-the-accounting-department)
running, moving, mode act, id 3, process 4711, from libvirt
4 vCPUs use 1.5 CPUs; 41% of accesses are local.
Memory: 7.0G on node 1, 512M on node 0; configured 8.0G.
3.0G to move at 256M/s, 12s left.

Cells
CELL HOME REASON        LOC  CPU  SIZE BY NODE       TO MOVE VCPUS
   0    1 settled       93%  1.5  8.0G 1:7.0G 0:512M       0 0-3

Reasons
cell 0: moves to node 1, which costs 12 CPU ms less in 60 s than node 0, because
        3.0 GiB of its memory are there

vCPUs
VCPU CELL  THREAD  CPU NODE   RAN ms WAITED ms MAY RUN ON SET BY
   0    0    4712    9    1    12345        12 8-15       vnumad

Policy
KEY      VALUE    SET BY     UNTIL
mode     act      built-in
home     1        run-time   02:30:00
Esc back  q quit  ? help  e explain  h heat  p policy  f freeze
)");
}

TEST(TopRender, AQuestionIsAskedOverThePicture) {
    EXPECT_EQ(draw(press(make_model(), U'f')), R"(
vnumad act  2 at home  1 moving  1 waiting  02:13:20  4 guests  0 roaming
NODE CPU        USE/CPUS MEMORY        USED/ALL  FREE GUESTS NOT HOME HOT REMOTE
   0 [###=    ]  3.6/8.0 [##=     ] 24.0G/64.0G 40.0G  20.0G        0          0
   1 [###=    ]  3.6/8.0 [##=     ] 24.0G/64.0G 40.0G  20.0G        0       512M
NAME      DOING     HOME  LOC  CPU BY NODE           MOVES LEFT WHY
db-of-th~ moving    1     41%  1.5 1:7.0G 0:512M    256M/s  12s
build     waiting   -     50%  1.5 0:7.0G 1:512M                no node that it~
web1      at-home   0     93%  1.5 0:7.0G 1:512M
web2      at-home   1     93%  1.5 1:7.0G 0:512M
      +------------------------------------------------------------------+
      | Freeze vnumad? Moves stop where they are, pins stay, and nothing |
      | is done to any guest until vnumad is thawed.                     |
      |                                                                  |
      | y yes   n no                                                     |
      +------------------------------------------------------------------+








q quit  ? help  Enter details  e explain  h heat  s sort: doing  / filter
)");
}

TEST(TopRender, TheHelpAt40x10) {
    EXPECT_EQ(draw(press(make_model({40, 10}), U'?')), R"(
Help vnumad act 2 at home 1 moving
Keys
q       Quit; Ctrl-C does the same.
?       This page.
Enter   Everything known of the selected
        guest: cells, vCPUs, reasons,
        policy.
e       Explain the selected guest:
        where it is, where it should be,
Esc back  q quit  ? help  36 rows below
)");
}

TEST(TopRender, ANameCannotChangeTheTerminal) {
    auto guests = make_guests();
    guests[0].name = "a\x1b[2J\xff\n\xe2\x80\xae";
    guests[1].name = "数据库";
    const Model model = after(make_model(), Reply(guests));
    EXPECT_NE(draw(model, unicode).find("a?[2J???"), std::string::npos);
    EXPECT_NE(draw(model, unicode).find("数据库"), std::string::npos);
    for (const char byte : draw(model, ascii))
        EXPECT_TRUE(byte == '\n' || (byte >= ' ' && byte <= '~'));
}

TEST(TopRender, TheLastDataIsDimmedWhileVnumadIsGone) {
    const Model model = after(make_model(), Reply(Failure{Ask::status, "gone", true}));
    const Grid grid = render(model, unicode);
    EXPECT_EQ(grid.row_text(1).substr(0, 18), "Trying again: gone");
    for (int y = 2; y < 23; ++y)
        for (int x = 0; x < 80; ++x)
            EXPECT_TRUE(grid.at(x, y).style.dim);
}

TEST(TopRender, MemoryAwayFromItsAccessorIsSeenWithoutColour) {
    Model model = press(make_model(), U'h');
    model = after(std::move(model), Reply(make_heat_map(128)));
    const Grid grid = render(model, ascii);
    // Block 1 is on node 0 and accessed by vCPU 0, whose home is node 1.
    EXPECT_TRUE(grid.at(8 + 1, 2).style.reverse);
    // Of block 5 no accessor is known.
    EXPECT_FALSE(grid.at(8 + 5, 2).style.reverse);
}

TEST(TopRender, TheSelectedRowIsReversed) {
    const Grid grid = render(press(make_model(), U'j'), ascii);
    int reversed = 0;
    for (int y = 0; y < 23; ++y)
        reversed += grid.at(40, y).style.reverse ? 1 : 0;
    EXPECT_EQ(reversed, 1);
}

TEST(TopRender, NumbersAreWholeInEveryWidth) {
    for (int width = least_size.width; width <= 200; ++width) {
        const std::string text = draw(make_model({width, 24}));
        for (const char* number : {"3.6/8.0", "40.0G", "512M", "41%", " 1.5"})
            EXPECT_NE(text.find(number), std::string::npos) << number << " at " << width;
    }
}

TEST(TopRender, QuestionsHaveTheirKeysHoweverLongTheNameIs) {
    auto guests = make_guests();
    guests[2].name = std::string(255, 'x');
    Model model = after(make_model({40, 10}), Reply(guests));
    model = press(press(std::move(model), U'p'), Key::enter);
    const std::string text = draw(model);
    EXPECT_NE(text.find("Set mode=act for"), std::string::npos) << text;
    EXPECT_NE(text.find("y yes   n no"), std::string::npos) << text;
}

// Draws what random keys, replies and sizes lead to.
class RandomView {
  public:
    explicit RandomView(unsigned seed) : random_(seed), model_(start({80, 24}).model) {}

    const Model& next() {
        model_ = update(std::move(model_), make_event()).model;
        model_.quit = false;
        return model_;
    }

  private:
    int below(int end) { return static_cast<int>(random_() % static_cast<unsigned>(end)); }

    Event make_event() {
        switch (below(5)) {
            case 0:
                return Size{below(3) == 0 ? below(30) : 40 + below(120), below(50)};
            case 1:
                return make_reply();
            case 2:
                return KeyPress{static_cast<Key>(1 + below(10))};
            default:
                return KeyPress{Key::character, U"sshepfn?/jkrywnq数\x1b"[below(18)]};
        }
    }

    Reply make_reply() {
        switch (below(6)) {
            case 0:
                return make_status_reply();
            case 1:
                return make_guests_reply();
            case 2:
                return make_heat_map(static_cast<std::size_t>(below(4097)));
            case 3:
                return make_details();
            case 4:
                return make_explanation();
            default:
                return Failure{static_cast<Ask>(below(10)), "数据 \x1b gone", below(3) == 0};
        }
    }

    control::Status make_status_reply() {
        control::Status status = make_status(below(4) == 0 ? below(64) : 2);
        status.tick = static_cast<std::uint64_t>(below(100));
        if (below(3) == 0) status.frozen = "somebody has frozen vnumad";
        if (below(3) == 0) status.trouble = {"one", "two"};
        for (control::NodeStatus& node : status.nodes) {
            node.memory = Bytes{1} << below(50);
            node.available = Bytes{1} << below(50);
            node.capacity = below(2'000'000);
            node.guest_use = below(2'000'000);
        }
        return status;
    }

    std::vector<control::GuestSummary> make_guests_reply() {
        std::vector<control::GuestSummary> guests;
        for (int i = below(100); i > 0; --i) {
            std::string name;
            for (int letters = below(40); letters > 0; --letters)
                name += static_cast<char>(below(256));
            auto guest = make_guest(name, static_cast<control::Doing>(below(9)), below(2));
            guest.cpu_use = below(2'000'000'000);
            guest.moved_per_second = Bytes{1} << below(50);
            guest.to_move = Bytes{1} << below(60);
            guest.locality = below(1100) - 50;
            guest.why = name + name;
            guests.push_back(guest);
        }
        return guests;
    }

    std::mt19937 random_;
    Model model_;
};

TEST(TopRender, EveryPictureHasExactlyTheSizeOfTheScreen) {
    for (unsigned seed = 0; seed < 8; ++seed) {
        RandomView view(seed);
        for (int i = 0; i < 100; ++i) {
            const Model& model = view.next();
            const Abilities& abilities = i % 2 == 0 ? ascii : unicode;
            const Grid grid = render(model, abilities);
            ASSERT_EQ(grid.size(), model.size);
            for (int y = 0; y < model.size.height; ++y)
                ASSERT_EQ(width_of(grid.row_text(y), abilities.utf8), model.size.width)
                    << "seed " << seed << ", step " << i << ", row " << y << ": "
                    << grid.row_text(y);
        }
    }
}

TEST(TopRender, ScreensOfEverySizeAreDrawn) {
    for (int width = 0; width < 60; ++width)
        for (int height = 0; height < 16; ++height)
            EXPECT_EQ(render(make_model({width, height}), ascii).size(), (Size{width, height}));
}

}  // namespace
}  // namespace vnuma::ctl::top
