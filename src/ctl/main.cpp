// vnumactl: asks vnumad, and tells it what to do.
#include <CLI/CLI.hpp>
#include <clocale>
#include <exception>
#include <iostream>
#include <string>

#include "src/ctl/verbs.hpp"
#include "src/record/record_reader.hpp"

namespace {

using namespace vnuma::ctl;

int complain(const std::string& what, int status) {
    std::cout.flush();
    std::cerr << "vnumactl: " << find_terminal(2).plain(what) << "\n";
    return status;
}

int run(const Context& context) {
    try {
        return context.run();
    } catch (const UsageError& error) {
        return complain(error.what(), exit_usage);
    } catch (const vnuma::RecordingError& error) {
        return complain(error.what(), exit_usage);
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
