/// One clause of a requirement, such as `>=2.0` or `!=1.5.*` (PEP 440, «Version specifiers»).
package struct VersionClause: Sendable {
    /// How versions are compared.
    enum Comparison: String, Sendable, CaseIterable {
        case arbitrary = "==="
        case compatible = "~="
        case equal = "=="
        case unequal = "!="
        case atMost = "<="
        case atLeast = ">="
        case below = "<"
        case above = ">"
    }

    let comparison: Comparison
    private let text: String
    private let version: PythonVersion?
    /// Whether it ends in `.*`, and so means all that begin alike.
    private let isPrefix: Bool

    /// The most bytes of a clause that is read.
    static let longest = 256

    /// Reads a clause; nil for other text, and for more than 256 bytes.
    package init?(_ clause: String) {
        guard clause.utf8.count <= Self.longest else { return nil }
        let clause = clause.trimmed
        guard let comparison = Comparison.allCases.first(where: { clause.hasPrefix($0.rawValue) }) else { return nil }
        self.comparison = comparison
        text = clause.dropFirst(comparison.rawValue.count).trimmed
        isPrefix = text.hasSuffix(".*")
        version = PythonVersion(isPrefix ? String(text.dropLast(2)) : text)
        switch comparison {
        case .arbitrary: guard !text.isEmpty else { return nil }
        case .equal, .unequal: guard version != nil else { return nil }
        case .compatible: guard let version, !isPrefix, version.release.count > 1 else { return nil }
        default: guard version != nil, !isPrefix else { return nil }
        }
    }

    /// Whether a version, as it is spelled and as it is read, is what the clause asks for. Only a comparison of spellings
    /// can say yes to one that cannot be read.
    func allows(_ found: PythonVersion?, spelled spelling: String) -> Bool {
        if comparison == .arbitrary { return spelling.lowercased() == text.lowercased() }
        guard let version, let found else { return false }
        switch comparison {
        case .arbitrary: return false
        case .equal: return matches(found, version)
        case .unequal: return !matches(found, version)
        case .atMost: return found < version || found.isSamePublic(as: version)
        case .atLeast: return found > version || found.isSamePublic(as: version)
        case .below:
            // A pre-release of the version itself is not what is meant by "before it".
            return found < version && !(found.isPrerelease && !version.isPrerelease && found.isSameRelease(as: version))
        case .above:
            // Nor is a post-release what is meant by "after it".
            return found > version && !found.isSamePublic(as: version)
                && !(found.post != nil && version.post == nil && found.isSameRelease(as: version))
        case .compatible:
            let shared = version.release.count - 1
            return (found > version || found.isSamePublic(as: version)) && found.epoch == version.epoch
                && (0..<shared).allSatisfy { found.part($0) == version.part($0) }
        }
    }

    private func matches(_ found: PythonVersion, _ version: PythonVersion) -> Bool {
        if isPrefix {
            return found.epoch == version.epoch
                && version.release.indices.allSatisfy { found.part($0) == version.part($0) }
        }
        return version.local.isEmpty ? found.isSamePublic(as: version) : found == version
    }
}

extension PythonVersion {
    /// Whether both prepare, are or follow the same release.
    fileprivate func isSameRelease(as other: PythonVersion) -> Bool {
        epoch == other.epoch
            && (0..<max(release.count, other.release.count)).allSatisfy { part($0) == other.part($0) }
    }
}
