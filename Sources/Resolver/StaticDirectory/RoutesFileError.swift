public import Fabric
public import SystemPackage

/// Why a file of routes cannot be used: nothing of a file with a mistake in it is.
public struct RoutesFileError: ExplainedError, Equatable {
    /// The file.
    public let path: FilePath
    /// The line that is wrong, counted from 1; nil where that cannot be told.
    public let line: Int?
    /// What is wrong.
    public let why: String

    init(_ path: FilePath, line: Int? = nil, _ why: String) {
        self.path = path
        self.line = line
        self.why = why
    }

    public var category: FailureCategory { .configuration }

    public var explanation: String {
        let place = line.map { "\(path.string):\($0)" } ?? path.string
        return "cannot use '\(place)': \(why)"
    }

    public var remedy: String? { "correct the file; docs/resolver.md describes it" }
}
