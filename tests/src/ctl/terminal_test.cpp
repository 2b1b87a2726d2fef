#include "src/ctl/terminal.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "guests/process/file_descriptor.hpp"

namespace vnuma::ctl {
namespace {

// A terminal of this width, of which nobody sees anything.
class PseudoTerminal {
  public:
    explicit PseudoTerminal(unsigned short columns)
        : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        EXPECT_EQ(::grantpt(master_.get()), 0);
        EXPECT_EQ(::unlockpt(master_.get()), 0);
        slave_.reset(::open(::ptsname(master_.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
        winsize size{};
        size.ws_col = columns;
        size.ws_row = 24;
        EXPECT_EQ(::ioctl(slave_.get(), TIOCSWINSZ, &size), 0);
    }
    int descriptor() const { return slave_.get(); }

  private:
    FileDescriptor master_, slave_;
};

class TerminalTest : public ::testing::Test {
  protected:
    TerminalTest() {
        ::unsetenv("COLUMNS");
        ::unsetenv("NO_COLOR");
        ::setenv("TERM", "xterm", 1);
    }
    ~TerminalTest() override {
        ::unsetenv("COLUMNS");
        ::unsetenv("NO_COLOR");
    }
};

TEST_F(TerminalTest, HasTheWidthThatTheKernelOrTheEnvironmentTells) {
    const PseudoTerminal narrow(20);
    EXPECT_EQ(find_terminal(narrow.descriptor()).width, 20);
    ::setenv("COLUMNS", "132", 1);
    EXPECT_EQ(find_terminal(narrow.descriptor()).width, 132);
    ::setenv("COLUMNS", "wide", 1);
    EXPECT_EQ(find_terminal(narrow.descriptor()).width, 20);
    ::setenv("COLUMNS", "0", 1);
    EXPECT_EQ(find_terminal(PseudoTerminal(0).descriptor()).width, 80);
}

TEST_F(TerminalTest, HasColoursUnlessTheyAreNotWanted) {
    const PseudoTerminal terminal(80);
    EXPECT_TRUE(find_terminal(terminal.descriptor()).colour);
    ::setenv("NO_COLOR", "", 1);
    EXPECT_TRUE(find_terminal(terminal.descriptor()).colour) << "an empty value means nothing";
    ::setenv("NO_COLOR", "1", 1);
    EXPECT_FALSE(find_terminal(terminal.descriptor()).colour);
    ::unsetenv("NO_COLOR");
    ::setenv("TERM", "dumb", 1);
    EXPECT_FALSE(find_terminal(terminal.descriptor()).colour);
}

TEST_F(TerminalTest, AFileIsNone) {
    const FileDescriptor file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    EXPECT_FALSE(find_terminal(file.get()).is_terminal());
    EXPECT_FALSE(find_terminal(file.get()).colour);
}

TEST_F(TerminalTest, TextOfOthersStaysOnItsLineAndChangesNoTerminal) {
    const std::string hostile = "a\nb\x1b[2J\xc2\x9b\xff gr\u00fcn";
    EXPECT_EQ((Terminal{.width = 0}.plain(hostile)), "a?b?[2J?\xff gr\u00fcn");
    EXPECT_EQ((Terminal{.width = 80, .utf8 = true}.plain(hostile)), "a?b?[2J?? gr\u00fcn");
    EXPECT_EQ((Terminal{.width = 80}.plain(hostile)), "a?b?[2J?? gr?n");
}

TEST_F(TerminalTest, PaintsOnlyWithColours) {
    EXPECT_EQ((Terminal{.colour = true}.paint("x", Colour::red)), "\033[31mx\033[0m");
    EXPECT_EQ((Terminal{.colour = true}.paint("x", Colour::none)), "x");
    EXPECT_EQ((Terminal{}.paint("x", Colour::red)), "x");
}

}  // namespace
}  // namespace vnuma::ctl
