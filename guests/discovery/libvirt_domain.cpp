#include "guests/discovery/libvirt_domain.hpp"

#include <libvirt/virterror.h>

#include <charconv>
#include <cstdlib>
#include <system_error>

#include "guests/discovery/guest_source.hpp"
#include "guests/discovery/libvirt_connection.hpp"
#include "guests/discovery/run_state.hpp"
#include "guests/process/files.hpp"

namespace vnuma {
namespace {

// Returns a virDomainJobOperation, and VIR_DOMAIN_JOB_OPERATION_UNKNOWN if there is no job.
int read_job_operation(virDomainPtr domain) {
    // libvirt refuses to describe some jobs, such as an incoming migration. The guest must be left
    // alone then.
    constexpr int not_described = VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN;
    virDomainJobInfo job{};
    if (virDomainGetJobInfo(domain, &job) != 0)
        return virGetLastErrorCode() == VIR_ERR_NO_SUPPORT ? VIR_DOMAIN_JOB_OPERATION_UNKNOWN
                                                           : not_described;
    if (job.type == VIR_DOMAIN_JOB_NONE) return VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
    int type = 0, count = 0, operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
    virTypedParameterPtr fields = nullptr;
    if (virDomainGetJobStats(domain, &type, &fields, &count, 0) != 0) return not_described;
    virTypedParamsGetInt(fields, count, VIR_DOMAIN_JOB_OPERATION, &operation);
    virTypedParamsFree(fields, count);
    return operation;
}

// Whether an error says that a call, or a flag of it, is not known.
bool is_unsupported(int error) {
    return error == VIR_ERR_NO_SUPPORT || error == VIR_ERR_INVALID_ARG ||
           error == VIR_ERR_ARGUMENT_UNSUPPORTED || error == VIR_ERR_OPERATION_UNSUPPORTED;
}

// Nothing if the record lacks the state.
std::optional<DomainState> state_of(const virDomainStatsRecord& record) {
    DomainState state;
    const auto read = [&](const char* name, int& value) {
        return virTypedParamsGetInt(record.params, record.nparams, name, &value) == 1;
    };
    if (!read("state.state", state.state) || !read("state.reason", state.reason))
        return std::nullopt;
    return state;
}

}  // namespace

std::vector<ListedDomain> list_running_domains(virConnectPtr connection) {
    virDomainPtr* handles = nullptr;
    const int count =
        virConnectListAllDomains(connection, &handles, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0) throw SourceError("libvirt: " + libvirt_error());
    std::vector<ListedDomain> domains;
    domains.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
        domains.push_back({std::shared_ptr<virDomain>(handles[i], virDomainFree)});
    std::free(handles);
    return domains;
}

std::optional<std::vector<ListedDomain>> list_running_domains_with_states(
    virConnectPtr connection) {
    constexpr unsigned flags =
        VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT;
    virDomainStatsRecordPtr* all = nullptr;
    const int count = virConnectGetAllDomainStats(connection, VIR_DOMAIN_STATS_STATE, &all, flags);
    if (count < 0 && is_unsupported(virGetLastErrorCode())) return std::nullopt;
    if (count < 0) throw SourceError("libvirt: " + libvirt_error());
    const std::unique_ptr<virDomainStatsRecordPtr, decltype(&virDomainStatsRecordListFree)> records(
        all, virDomainStatsRecordListFree);
    std::vector<ListedDomain> domains;
    domains.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        virDomainRef(all[i]->dom);  // the record has a reference of its own
        domains.push_back(
            {std::shared_ptr<virDomain>(all[i]->dom, virDomainFree), state_of(*all[i])});
    }
    return domains;
}

std::optional<pid_t> read_domain_pid(const std::string& directory, const std::string& name) {
    const auto text = read_small_file(directory + "/" + name + ".pid");
    pid_t pid = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc())
        return std::nullopt;
    return pid;
}

std::optional<RunState> read_run_state(virDomainPtr domain) {
    int state = 0, reason = 0;
    if (virDomainGetState(domain, &state, &reason, 0) != 0) return std::nullopt;
    return state_of_libvirt(state, reason, read_job_operation(domain));
}

DomainReply read_domain(virDomainPtr domain) {
    DomainReply reply;
    const auto failed = [&] {
        reply.gone = virGetLastErrorCode() == VIR_ERR_NO_DOMAIN;
        reply.error = "libvirt: " + libvirt_error();
        return reply;
    };
    const auto state = read_run_state(domain);
    if (!state) return failed();
    reply.state = *state;
    const std::unique_ptr<char, decltype(&std::free)> xml(virDomainGetXMLDesc(domain, 0),
                                                          std::free);
    if (!xml) return failed();
    reply.xml = xml.get();
    return reply;
}

}  // namespace vnuma
