#include "src/report/line_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <future>
#include <vector>

namespace vnuma {
namespace {

using namespace std::chrono_literals;
constexpr auto long_enough = 30s;

// A sink that does not return before the test lets it.
class SlowSink {
  public:
    LineWriter::Sink sink() {
        return [this](const std::string& line) -> std::string {
            begun.set_value();
            released.wait();
            lines.push_back(line);
            return "";
        };
    }
    std::promise<void> begun, release;
    std::shared_future<void> released = release.get_future().share();
    std::vector<std::string> lines;
};

TEST(AsOneLine, LeavesNoControlCharacters) {
    EXPECT_EQ(as_one_line("guest a\nvnumad: guest b\x1b[2J\x7f"), "guest a?vnumad: guest b?[2J?");
    EXPECT_EQ(as_one_line("guest Gr\xc3\xbc\xc3\x9f"
                          "e"),
              "guest Gr\xc3\xbc\xc3\x9f"
              "e");
}

TEST(LineWriter, TheThreadBeginsWithWhatItIsGiven) {
    std::vector<std::string> lines;
    {
        LineWriter writer(
            "lines",
            [&](const std::string& line) {
                lines.push_back(line);
                return std::string();
            },
            [&] { lines.emplace_back("begun"); });
        writer.write("line");
        EXPECT_TRUE(writer.finish(long_enough));
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"begun", "line"}));
}

TEST(LineWriter, WritesAllLinesInTheirOrder) {
    std::vector<std::string> lines;
    LineWriter writer("lines", [&](const std::string& line) {
        lines.push_back(line);
        return std::string();
    });
    for (int i = 0; i < 100; ++i)
        writer.write(std::to_string(i));
    EXPECT_TRUE(writer.finish(long_enough));
    ASSERT_EQ(lines.size(), 100U);
    EXPECT_EQ(lines.back(), "99");
    EXPECT_EQ(writer.take_dropped(), 0U);
}

TEST(LineWriter, DropsTheOldestLinesWhenNobodyReadsAndCountsThem) {
    SlowSink slow;
    std::vector<std::string> lines;
    bool first = true;
    LineWriter writer("lines", [&, sink = slow.sink()](const std::string& line) {
        if (std::exchange(first, false)) return sink(line);
        lines.push_back(line);
        return std::string();
    });
    writer.write("stuck");
    slow.begun.get_future().wait();
    for (std::size_t i = 0; i < LineWriter::max_waiting_lines + 5; ++i)
        writer.write(std::to_string(i));
    EXPECT_EQ(writer.take_dropped(), 5U);
    EXPECT_EQ(writer.take_dropped(), 0U) << "they were told";
    slow.release.set_value();
    EXPECT_TRUE(writer.finish(long_enough));
    ASSERT_EQ(lines.size(), LineWriter::max_waiting_lines);
    EXPECT_EQ(lines.front(), "5") << "the oldest are gone";
}

TEST(LineWriter, KeepsTheNewestLineHoweverLongItIs) {
    SlowSink slow;
    LineWriter writer("lines", slow.sink());
    writer.write("stuck");
    slow.begun.get_future().wait();
    slow.begun = {};
    writer.write("short");
    writer.write(std::string(LineWriter::max_waiting_bytes + 1, 'x'));
    EXPECT_EQ(writer.take_dropped(), 1U);
    slow.release.set_value();
    EXPECT_TRUE(writer.finish(long_enough));
    EXPECT_EQ(slow.lines.size(), 2U);
}

TEST(LineWriter, AWriterThatIsStuckDoesNotHoldUpItsOwner) {
    SlowSink slow;
    LineWriter writer("lines", slow.sink());
    writer.write("stuck");
    slow.begun.get_future().wait();
    EXPECT_FALSE(writer.finish(1ms)) << "its owner may go";
    slow.release.set_value();
}

TEST(LineWriter, AFailureIsToldAndTheNextLineIsTriedAgain) {
    std::string failure = "No space left on device";
    LineWriter writer("reports to FILE", [&](const std::string&) { return failure; });
    writer.write("a");
    while (writer.problem().empty())
        std::this_thread::yield();
    EXPECT_EQ(writer.problem(), "reports to FILE: No space left on device");
}

TEST(WriteToDescriptor, APipeWithoutAReaderIsAFailureAndNoSignal) {
    std::signal(SIGPIPE, SIG_IGN);
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const LineWriter::Sink sink = write_to_descriptor(ends[1]);
    EXPECT_EQ(sink("line"), "");
    std::array<char, 16> read{};
    EXPECT_EQ(::read(ends[0], read.data(), read.size()), 5) << "the line and its end";
    ::close(ends[0]);
    EXPECT_EQ(sink("line"), "Broken pipe");
    ::close(ends[1]);
}

}  // namespace
}  // namespace vnuma
