// The page of plots as text. tests/browser has what a browser makes of it.
#include "src/ctl/plot/plot_page.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "src/ctl/plot/embedded.hpp"
#include "src/ctl/plot/plot.hpp"
#include "src/record/record_reader.hpp"
#include "tests/src/record/records.hpp"
#include "tests/temporary.hpp"

namespace vnuma::ctl::plot {
namespace {

PlotData hostile_data() {
    PlotData data;
    data.title = "@PAGE_JS@ <b>";
    data.nodes = {0};
    GuestPlot& guest = data.guests.emplace_back();
    guest.name = "</script><img src=x onerror=alert(1)><!-- <script>\xff";
    guest.uuid = "u";
    add_row(guest.series, 0, {1000, 5 * mib});
    data.events.push_back({0, "FELT", 0, "</ScRiPt>"});
    return data;
}

std::string text_of(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

TEST(PlotPageTest, TextsOfGuestsCannotLeaveTheData) {
    const std::string json = to_page_json(hostile_data());
    EXPECT_EQ(json.find('<'), std::string::npos) << json;
    EXPECT_EQ(nlohmann::json::parse(json)["guests"][0]["name"].get<std::string>().substr(0, 9),
              "</script>");
    EXPECT_EQ(to_page(hostile_data()).find("<img"), std::string::npos);
}

TEST(PlotPageTest, MarkersInTheDataAreNotReplaced) {
    EXPECT_NE(to_page(hostile_data()).find("@PAGE_JS@ \\u003cb>"), std::string::npos);
}

TEST(PlotPageTest, PermitsItsOwnScriptsAndNoNetwork) {
    const std::string page = to_page(hostile_data());
    EXPECT_NE(page.find("default-src 'none'; script-src 'sha256-"), std::string::npos);
    EXPECT_NE(page.find(std::string(page_js.hash)), std::string::npos);
    EXPECT_NE(page.find("<script>" + std::string(page_js.text) + "</script>"), std::string::npos);
    EXPECT_EQ(page.find(" src="), page.find(" src=x")) << "only the guest's name has one";
    EXPECT_EQ(page.find("<link"), std::string::npos);
}

TEST(PlotPageTest, HasTheLicenceOfTheChartLibrary) {
    const std::string page = to_page({});
    EXPECT_NE(page.find("Dan Vanderkam"), std::string::npos);
    EXPECT_NE(page.find("Permission is hereby granted"), std::string::npos);
}

TEST(PlotPageTest, GivesTimesAsDifferencesAndSizesInMib) {
    PlotData data = hostile_data();
    add_row(data.guests[0].series, 60'000, {500, std::nullopt});
    const auto series = nlohmann::json::parse(to_page_json(data))["guests"][0]["series"];
    EXPECT_EQ(series["times"], (std::vector<int>{0, 60'000}));
    EXPECT_EQ(series["columns"][0], (std::vector<int>{1000, 500}));
    EXPECT_EQ(series["columns"][1][0], 5);
    EXPECT_TRUE(series["columns"][1][1].is_null());
}

class PlotCommandTest : public ::testing::Test {
  protected:
    PlotCommandTest() {
        std::string lines;
        for (const Record& record : test::records_of_small_host())
            lines += to_line(record) + "\n";
        directory.write("good", lines);
        directory.write("bad", "{}\n");
    }
    int plot(const std::string& file, const std::string& output) {
        return run_plot(context, {directory.path(file), directory.path(output), std::nullopt});
    }

    test::TemporaryDirectory directory;
    Context context;
};

TEST_F(PlotCommandTest, WritesAPageForItsOwnerOnly) {
    EXPECT_EQ(plot("good", "page.html"), exit_done);
    EXPECT_EQ(text_of(directory.path("page.html")).substr(0, 15), "<!DOCTYPE html>");
    EXPECT_EQ(std::filesystem::status(directory.path("page.html")).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(PlotCommandTest, DoesNotFollowALinkThatSomebodyPutThere) {
    directory.write("precious", "text");
    directory.link(directory.path("precious"), "page.html");
    EXPECT_THROW(plot("good", "page.html"), Failed);
    EXPECT_EQ(text_of(directory.path("precious")), "text");
}

TEST_F(PlotCommandTest, TellsWhatCannotBeReadFromWhatCannotBeWritten) {
    EXPECT_THROW(plot("bad", "page.html"), RecordingError);
    EXPECT_THROW(plot("none", "page.html"), RecordingError);
    EXPECT_THROW(plot("good", "no/such/page.html"), Failed);
    context.options.socket = directory.path("control.sock");
    EXPECT_THROW(run_plot(context, {"", directory.path("page.html"), std::nullopt}), NoDaemon);
}

}  // namespace
}  // namespace vnuma::ctl::plot
