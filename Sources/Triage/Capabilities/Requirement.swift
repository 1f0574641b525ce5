/// A package that must be installed, as Python's tools write it: `torch>=2.0,<3`, `a[extra] (==1.*)` (PEP 508).
package struct Requirement: Sendable {
    /// The text as it was given.
    package let text: String
    /// The name in its normal form: lower case, with one hyphen for each run of `-`, `_` and `.` (PEP 503).
    package let name: String
    /// What the version must be.
    let clauses: [VersionClause]
    /// Why more is asked for than can be checked; nil where it can be.
    let remainder: String?

    /// The most bytes of a requirement that is read.
    package static let longest = 8192

    /// How many version clauses a text may have, without reading it: 1 and its commas.
    package static func clauseCount(of text: String) -> Int {
        text.utf8.reduce(1) { $1 == UInt8(ascii: ",") ? $0 + 1 : $0 }
    }

    /// Reads a requirement; nil for other text, and for more than `longest` bytes.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.longest else { return nil }
        self.text = text
        var rest = text[...]
        var remainder: String?
        if let semicolon = rest.firstIndex(of: ";") {
            remainder = "its condition '\(rest[semicolon...].dropFirst().trimmed)' is not looked at"
            rest = rest[..<semicolon]
        }
        guard let found = rest.prefixMatch(of: /\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*/)
        else {
            return nil
        }
        name = Self.normalized(found.output.1)
        if let extras = found.output.2, extras.count > 2 {
            remainder = remainder ?? "its extras '\(extras)' are not looked at"
        }
        rest = rest[found.range.upperBound...]
        if rest.first == "@" {
            remainder = "where it comes from is not looked at"
            rest = ""
        }
        var specifiers = rest.trimmed
        if specifiers.hasPrefix("("), specifiers.hasSuffix(")") {
            specifiers = specifiers.dropFirst().dropLast().trimmed
        }
        var clauses: [VersionClause] = []
        for part in specifiers.split(separator: ",") {
            guard let clause = VersionClause(String(part)) else { return nil }
            clauses.append(clause)
        }
        self.clauses = clauses
        self.remainder = remainder
    }

    /// A name in its normal form.
    package static func normalized(_ name: some StringProtocol) -> String {
        var normal = ""
        for character in name.lowercased() {
            let isSeparator = "-_.".contains(character)
            if isSeparator, normal.last == "-" { continue }
            normal.append(isSeparator ? "-" : character)
        }
        return normal
    }

    /// What is wrong with `version` of the package; nil when it is what is asked for.
    func objection(to version: String) -> String? {
        let found = PythonVersion(version)
        return clauses.allSatisfy { $0.allows(found, spelled: version) } ? nil : "version \(version) is installed"
    }
}
