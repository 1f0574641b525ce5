import Testing

@testable import Triage

/// Requirements as Python's tools write and order them (PEP 440, PEP 508).
@Suite("Requirements")
struct RequirementTests {
    @Test("Versions are in the order of PEP 440")
    func order() throws {
        let sorted = [
            "0.9", "1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0+abc", "1.0+abc.5",
            "1.0+5",
            "1.0.post1.dev1", "1.0.post1", "1.0.1", "1.10", "2", "1!0.1",
        ]
        let versions = try sorted.map { try #require(PythonVersion($0), "\($0)") }
        for (index, version) in versions.enumerated() {
            for later in versions[(index + 1)...] {
                #expect(version < later, "\(version) \(later)")
                #expect(!(later < version))
            }
        }
        for (one, other) in [
            ("1.0", "1"), ("1.0.0", "v1"), ("1.0-1", "1.0.post1"), ("1.0alpha", "1.0a0"), ("1.0C1", "1.0rc1"),
        ] {
            #expect(PythonVersion(one) == PythonVersion(other), "\(one) \(other)")
        }
        for none in ["", "x", "1..0", "1.0-", "1.0+", "99999999999999999999"] {
            #expect(PythonVersion(none) == nil, "\(none)")
        }
    }

    @Test(
        "What allows which version",
        arguments: [
            ("a", "0.0.1", true), ("a>=2.0", "2.0", true), ("a>=2.0", "2.0rc1", false), ("a>=2.0", "10.1", true),
            ("a<2.0", "2.0rc1", false), ("a<2.0", "1.9.9", true), ("a>1.7", "1.7.post1", false),
            ("a>1.7", "1.7.1", true),
            ("a>1.7", "1.7+local", false), ("a<=1.7", "1.7+local", true), ("a==1.7", "1.7+local", true),
            ("a==1.7+x", "1.7", false), ("a==1.7.*", "1.7.9", true), ("a==1.7.*", "1.70", false),
            ("a!=1.7.*", "1.7.9", false), ("a!=1.7", "1.7.0", false), ("a~=2.2", "2.9", true), ("a~=2.2", "3.0", false),
            ("a~=1.4.5", "1.4.9", true), ("a~=1.4.5", "1.5", false), ("a===1.0-x", "1.0-X", true),
            ("a>=1,<2", "1.5", true),
            ("a>=1,<2", "2.0", false), ("a (>=1)", "1.5", true), ("a[x,y]>=1", "0.5", false), (" a >= 1 ", "1", true),
            ("a>=1", "nonsense", false),
        ])
    func clauses(text: String, version: String, isAllowed: Bool) throws {
        let requirement = try #require(Requirement(text), "\(text)")
        #expect((requirement.objection(to: version) == nil) == isAllowed)
    }

    @Test("Names are compared in their normal form")
    func names() throws {
        #expect(try #require(Requirement("Tibet__Triage.X>=1")).name == "tibet-triage-x")
        #expect(Requirement.normalized("Zope.Interface") == "zope-interface")
    }

    @Test("What cannot be checked is said", arguments: ["a[x]", "a; python_version<'3'", "a @ https://x/y.whl"])
    func remainders(text: String) throws { #expect(try #require(Requirement(text)).remainder != nil) }

    @Test("What is no requirement", arguments: ["", ">=1", "-a", "a>=", "a>>1", "a=1", "a 1", "a~=1", "a>=1.*", "a=="])
    func refused(text: String) { #expect(Requirement(text) == nil) }
}
