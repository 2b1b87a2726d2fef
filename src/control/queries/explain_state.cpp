// What holds for all of a guest.
#include <algorithm>
#include <string_view>

#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"
#include "src/control/queries/explanation.hpp"
#include "src/control/queries/words.hpp"

namespace vnuma::control {
namespace {

std::string state_text(RunState state) {
    const std::string text = name(state);
    if (state == RunState::unknown) return "is in a state that is not known";
    return "is " + (state == RunState::shutting_down ? std::string("shutting down") : text);
}

std::string who_told(const GuestSample& sample) {
    const std::string_view source = sample.source;
    if (source == "proc") return "vnumad has found it in /proc by itself";
    return source == "qmp" ? "its QMP monitor tells of it" : "libvirt tells of it";
}

// "act (set by the configuration)"
std::string set_by(const std::string& origin) {
    if (origin == PolicyOrigins::built_in) return "which nobody has set";
    if (origin == "ceiling") return "which [ceiling] of the configuration limits it to";
    if (origin == "metadata") return "which the domain's metadata set";
    if (origin.starts_with("coexist.")) return "to which " + origin + " limits it";
    if (origin.starts_with("run-time policy")) return "which the run-time policy sets";
    return "which section [" + origin + "] of the configuration sets";
}

void add_modes(const Subject& subject, Sentences& sentences) {
    const GuestPolicy& policy = subject.state.policy;
    std::string text = "The mode of its policy is " + std::string(name(policy.mode)) + ", " +
                       set_by(subject.traced.origins.mode) + ": ";
    switch (policy.mode) {
        case Mode::off:
            text += "vnumad does not plan it.";
            break;
        case Mode::observe:
            text += "vnumad watches and plans it, and changes nothing.";
            break;
        case Mode::advise:
            text += "vnumad plans it and tells what it would do, and changes nothing.";
            break;
        case Mode::act:
            text += subject.tick.mode == Mode::act
                        ? "vnumad may pin its vCPUs and move its memory."
                        : "vnumad would pin its vCPUs and move its memory.";
            break;
    }
    sentences.push_back(std::move(text));
    if (subject.tick.mode < Mode::act)
        sentences.push_back(std::string("vnumad itself runs in mode ") + name(subject.tick.mode) +
                            ", so it changes nothing on this host.");
    if (!subject.tick.frozen.empty())
        sentences.push_back(sentence("nothing is changed now: " + subject.tick.frozen));
}

// By the policy, or by what an operator has ordered.
void add_policy(const Subject& subject, Sentences& sentences) {
    const GuestPolicy& policy = subject.state.policy;
    if (policy.nodes)
        sentences.push_back("Its policy allows " + nodes_text(*policy.nodes) + " only.");
    if (subject.is_ordered())
        sentences.push_back("An operator has ordered its home, once: " + nodes_text(policy.home) +
                            ".");
    else if (!policy.home.empty())
        sentences.push_back("Its policy fixes its home: " + nodes_text(policy.home) + ".");
    if (!policy.group.empty()) {
        std::string text = "It is in group " + policy.group;
        for (const GroupState& group : subject.tick.snapshot.groups) {
            if (group.name != policy.group) continue;
            if (group.arrangement == Arrangement::together) text += ", whose members have one home";
            if (group.arrangement == Arrangement::apart)
                text += ", whose members are kept on different nodes";
        }
        sentences.push_back(text + ".");
    }
    for (const std::string& problem : policy.problems)
        sentences.push_back(
            sentence("a value of its policy is not in force as it is set: " + problem));
    if (!subject.tick.policy_problem.empty())
        sentences.push_back(sentence("the file of the run-time policy is not in force: " +
                                     subject.tick.policy_problem));
}

void add_hands_off(const Subject& subject, Sentences& sentences) {
    const HandsOff* left = subject.hands_off();
    if (!left) return;
    if (!left->cpus.empty())
        sentences.push_back(
            sentence("its CPUs are left alone until an operator says otherwise: " + left->cpus));
    if (!left->memory.empty())
        sentences.push_back(
            sentence("its memory is left alone until an operator says otherwise: " + left->memory));
}

void add_rivals(const Subject& subject, Sentences& sentences) {
    for (const Rival& rival : subject.tick.rivals) {
        if (!rival.limit) continue;
        const auto& guests = rival.limit->guests;
        if (!guests || guests->contains(subject.sample.uuid))
            sentences.push_back(sentence(rival.presence + ", so " + rival.effect() + " (coexist." +
                                         rival.name + " = \"" + name(rival.handling) + "\")"));
    }
}

}  // namespace

Sentences describe_state(const Subject& subject) {
    const GuestSample& sample = subject.sample;
    std::string first = "Guest " + sample.name + " " + state_text(sample.state);
    if (sample.process) first += " as process " + std::to_string(sample.process->pid());
    Sentences sentences{first + "; " + who_told(sample) + "."};
    add_modes(subject, sentences);
    const HandsOff* left = subject.hands_off();
    const std::string& unsteady = subject.state.unsteady;
    if (!unsteady.empty() && !(left && left->cpus == unsteady))
        sentences.push_back(sentence("nothing is done to it for now: " + unsteady));
    add_hands_off(subject, sentences);
    add_policy(subject, sentences);
    add_rivals(subject, sentences);
    if (sample.pinned_bytes > 0)
        sentences.push_back("Devices or I/O hold " + size_text(sample.pinned_bytes) +
                            " of its memory in place (VmPin).");
    const auto group = subject.tick.group_problems.find(sample.uuid);
    if (group != subject.tick.group_problems.end())
        sentences.push_back(
            sentence("threads that serve it are not where its homes are: " + group->second));
    for (const std::string& problem : sample.problems)
        sentences.push_back(
            sentence("something of it was not understood, and is left out: " + problem));
    return sentences;
}

}  // namespace vnuma::control
