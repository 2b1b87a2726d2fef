#include <pugixml.hpp>

#include "guests/discovery/domain_xml.hpp"
#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

using Numbers = std::vector<int>;
using Problems = std::vector<std::string>;

constexpr const char* declared = "xmlns:vnumad='https://vnumad.org/xmlns/policy/1.0'";

Domain domain_with(const std::string& metadata, const std::string& root_attributes = "") {
    std::string error;
    const auto domain = parse_domain("<domain type='kvm' " + root_attributes +
                                         "><name>web</name><uuid>3caba501</uuid><memory>1024"
                                         "</memory><vcpu>1</vcpu>" +
                                         metadata + "</domain>",
                                     error);
    EXPECT_TRUE(domain) << error;
    return domain.value_or(Domain{});
}

Domain domain_with_attributes(const std::string& attributes) {
    return domain_with("<metadata><vnumad:policy " + std::string(declared) + " " + attributes +
                       "/></metadata>");
}

// The problems of one attribute that cannot be read. It is not used, and the guest is at most
// observed.
Problems problems_with(const std::string& attribute) {
    const Domain domain = domain_with_attributes(attribute);
    PolicyOverrides observe;
    observe.mode = Mode::observe;
    EXPECT_EQ(domain.policy, observe) << attribute;
    return domain.policy_problems;
}

TEST(PolicyXml, ReadsEveryAttribute) {
    const Domain domain = domain_with_attributes(
        "mode='advise' group='db' nodes='0-2,^1' home='2,0' memory='eager' priority='-10'");
    EXPECT_EQ(domain.policy, (PolicyOverrides{Mode::advise, "db", Numbers{0, 2}, Numbers{2, 0},
                                              MemoryPolicy::eager, -10}));
    EXPECT_EQ(domain.policy_problems, Problems{});
}

TEST(PolicyXml, WithoutTheElementThereIsNoOverride) {
    for (const char* metadata :
         {"", "<metadata/>", "<metadata>text</metadata>",
          "<metadata xmlns:o='http://other'><o:policy mode='off'/></metadata>"}) {
        const Domain domain = domain_with(metadata);
        EXPECT_EQ(domain.policy, PolicyOverrides{}) << metadata;
        EXPECT_EQ(domain.policy_problems, Problems{}) << metadata;
    }
    EXPECT_EQ(test::golden_domain("wishes").policy, PolicyOverrides{});
}

TEST(PolicyXml, AnElementWithoutAttributesOverridesNothing) {
    EXPECT_EQ(domain_with_attributes("").policy, PolicyOverrides{});
    EXPECT_EQ(domain_with_attributes("").policy_problems, Problems{});
}

TEST(PolicyXml, TheNamespaceCountsAndNotThePrefix) {
    const auto mode_of = [](const std::string& metadata, const std::string& root = "") {
        const Domain domain = domain_with(metadata, root);
        EXPECT_EQ(domain.policy_problems, Problems{}) << metadata;
        return domain.policy.mode;
    };
    const std::string ours = policy_namespace;
    EXPECT_EQ(mode_of("<metadata><p:policy xmlns:p='" + ours + "' mode='off'/></metadata>"),
              Mode::off);
    EXPECT_EQ(mode_of("<metadata><policy xmlns='" + ours + "' mode='off'/></metadata>"), Mode::off)
        << "the default namespace";
    EXPECT_EQ(mode_of("<metadata xmlns:p='" + ours + "'><p:policy mode='off'/></metadata>"),
              Mode::off);
    EXPECT_EQ(mode_of("<metadata><p:policy mode='off'/></metadata>", "xmlns:p='" + ours + "'"),
              Mode::off);
    EXPECT_EQ(mode_of("<metadata xmlns:p='" + ours +
                      "'><p:policy xmlns:p='http://other' mode='off'/></metadata>"),
              std::nullopt)
        << "the nearest declaration counts";
    EXPECT_EQ(mode_of("<metadata><vnumad:policy mode='off'/></metadata>"), std::nullopt)
        << "a prefix that is not declared";
    EXPECT_EQ(mode_of("<metadata><policy mode='off'/></metadata>"), std::nullopt);
    EXPECT_EQ(mode_of("<metadata><a:b xmlns:a='http://other'><p:policy xmlns:p='" + ours +
                      "' mode='off'/></a:b></metadata>"),
              std::nullopt)
        << "another application's content";
}

TEST(PolicyXml, AnAttributeThatCannotBeReadIsNotUsedAndTheProblemNamesIt) {
    EXPECT_EQ(problems_with("mode='acto'"),
              Problems{"metadata: mode: must be one of off, observe, advise, act"});
    EXPECT_EQ(problems_with("memory='Lazy'"),
              Problems{"metadata: memory: must be one of none, lazy, eager"});
    EXPECT_EQ(
        problems_with("group='a b'"),
        Problems{
            "metadata: group: must be a name of at most 64 letters, digits, '.', '_' and '-'"});
    EXPECT_EQ(problems_with("nodes='0-65535'"),
              Problems{"metadata: nodes: must be a list of nodes, such as 0-1,3"});
    EXPECT_EQ(
        problems_with("home=''"),
        Problems{
            "metadata: home: must be one node for all cells or one for each, such as 0 or 1,0"});
    for (const char* priority : {"101", "-101", "1.5", "", "1 ", "99999999999999999999", "x"})
        EXPECT_EQ(problems_with("priority='" + std::string(priority) + "'"),
                  Problems{"metadata: priority: must be an integer from -100 to 100"});
    EXPECT_EQ(problems_with("colour='red'"),
              Problems{"metadata: colour: is not an attribute of <policy>"});
    EXPECT_EQ(problems_with("vnumad:mode='off'"),
              Problems{"metadata: vnumad:mode: is not an attribute of <policy>"});
}

TEST(PolicyXml, AnEmptyGroupMeansNoGroup) {
    const Domain domain = domain_with_attributes("group=''");
    EXPECT_EQ(domain.policy.group, "");
    EXPECT_EQ(domain.policy_problems, Problems{});
}

TEST(PolicyXml, OtherAttributesCountWhenOneIsWrong) {
    const Domain domain = domain_with_attributes("priority='5' nodes='x' mode='act'");
    EXPECT_EQ(domain.policy.priority, 5);
    EXPECT_EQ(domain.policy.mode, Mode::observe);
    EXPECT_EQ(domain.policy_problems.size(), 1U);
    EXPECT_EQ(domain_with_attributes("nodes='x' mode='off'").policy.mode, Mode::off);
}

TEST(PolicyXml, ASecondElementIsAProblem) {
    const std::string ours(declared);
    const Domain domain = domain_with("<metadata><vnumad:policy " + ours +
                                      " mode='act' priority='1'/><vnumad:policy " + ours +
                                      " mode='act' priority='2'/></metadata>");
    EXPECT_EQ(domain.policy.priority, 1);
    EXPECT_EQ(domain.policy.mode, Mode::observe);
    EXPECT_EQ(domain.policy_problems,
              Problems{"metadata: policy: must not be repeated; the first one is used"});
}

TEST(PolicyXml, OtherElementsOfItsNamespaceAreProblems) {
    const Domain domain = domain_with("<metadata><vnumad:polcy " + std::string(declared) +
                                      " mode='off'/></metadata>");
    EXPECT_EQ(domain.policy.mode, Mode::observe);
    EXPECT_EQ(domain.policy_problems,
              Problems{"metadata: polcy: is not an element of vnumad's namespace"});
}

TEST(PolicyXml, ContentIsAProblem) {
    for (const char* content : {"text", "<a/>", "<vnumad:policy/>"}) {
        const Domain domain = domain_with("<metadata><vnumad:policy " + std::string(declared) +
                                          ">" + content + "</vnumad:policy></metadata>");
        EXPECT_EQ(domain.policy_problems, Problems{"metadata: policy: must be empty"}) << content;
    }
    EXPECT_EQ(domain_with("<metadata><vnumad:policy " + std::string(declared) +
                          "> <!-- ours --> </vnumad:policy></metadata>")
                  .policy_problems,
              Problems{});
}

TEST(PolicyXml, ARepeatedAttributeIsAProblem) {
    const Domain domain = domain_with_attributes("priority='1' priority='2'");
    EXPECT_EQ(domain.policy.priority, 1);
    EXPECT_EQ(domain.policy_problems, Problems{"metadata: priority: must not be repeated"});
}

TEST(PolicyXml, ProblemsArePrintableShortAndFew) {
    std::string attributes = "caf\xc3\xa9\xff='' ";
    for (int i = 0; i < 1000; ++i)
        attributes += "a" + std::string(1000, 'x') + std::to_string(i) + "='' ";
    const Domain domain = domain_with_attributes(attributes);
    EXPECT_LE(domain.policy_problems.size(), 16U);
    EXPECT_EQ(domain.policy_problems.at(0), "metadata: caf???: is not an attribute of <policy>");
    for (const std::string& problem : domain.policy_problems)
        EXPECT_LT(problem.size(), 100U);
}

TEST(PolicyXml, AValueThatIsTooLongIsAProblem) {
    std::string nodes = "0";
    for (int i = 0; i < 200; ++i)
        nodes += ",0";
    EXPECT_EQ(problems_with("nodes='" + nodes + "'"),
              Problems{"metadata: nodes: must not be longer than 256 bytes"});
}

TEST(PolicyXml, MetadataOfManyElementsIsNotSearchedToItsEnd) {
    std::string metadata = "<metadata>";
    for (int i = 0; i < 1000; ++i)
        metadata += "<a/>";
    const Domain domain = domain_with(metadata + "</metadata>");
    EXPECT_EQ(domain.policy.mode, Mode::observe);
    EXPECT_EQ(domain.policy_problems.size(), 1U);
}

TEST(PolicyXml, TheExampleInContribHasNoProblem) {
    std::ifstream in(std::string(VNUMA_EXAMPLES) + "/domain-with-policy.xml");
    std::ostringstream text;
    text << in.rdbuf();
    std::string error;
    const auto domain = parse_domain(text.str(), error);
    ASSERT_TRUE(domain) << error;
    EXPECT_EQ(domain->policy_problems, Problems{});
    EXPECT_EQ(domain->cells.size(), 2U);
    EXPECT_EQ(domain->policy, (PolicyOverrides{Mode::act, "database", Numbers{0, 1}, Numbers{1, 0},
                                               MemoryPolicy::lazy, 10}));
}

}  // namespace
}  // namespace vnuma
