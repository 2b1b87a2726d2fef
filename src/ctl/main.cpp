// vnumactl: asks vnumad, and tells it what to do.
#include <CLI/CLI.hpp>
#include <clocale>
#include <exception>
#include <iostream>
#include <string>

#include "src/ctl/verbs.hpp"

namespace {

using namespace vnuma::ctl;

int complain(const std::string& what, int status) {
    std::cout.flush();
    std::cerr << "vnumactl: " << find_terminal(2).plain(what) << "\n";
    return status;
}

std::string what_to_do(const ControlError& error) {
    if (error.error_class != vnuma::control::not_permitted) return "";
    return " (root and members of the group vnumad may, by control.sock)";
}

int run(const Context& context) {
    try {
        return context.run();
    } catch (const UsageError& error) {
        return complain(error.what(), exit_usage);
    } catch (const ControlError& error) {
        return complain(error.what() + what_to_do(error), exit_failed);
    } catch (const std::exception& error) {
        return complain(error.what(), exit_failed);
    }
}

}  // namespace

int main(int argc, char** argv) {
    // Numbers are printed as everywhere, whatever the locale.
    std::setlocale(LC_CTYPE, "");
    Context context;
    CLI::App app;
    describe_command_line(app, context);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& wanted) {
        return app.exit(wanted);  // --help and --version
    } catch (const CLI::ParseError& error) {
        return complain(describe_usage_error(app, error), exit_usage);
    }
    return run(context);
}
