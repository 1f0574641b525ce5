/// An error that a person can act on: what failed, why, and what to do next, on one line.
///
/// Every error that Fabric and the carriers throw conforms, so the command line needs no table of messages and a
/// program can branch on `category` without reading text.
public protocol ExplainedError: Error, CustomStringConvertible, Sendable {
    /// What a caller would do differently; the command line turns it into an exit code.
    var category: FailureCategory { get }
    /// What failed and why, lower case, without a full stop.
    var explanation: String { get }
    /// What to do next, or nil where there is nothing useful to say.
    var remedy: String? { get }
}

extension ExplainedError {
    /// The explanation, then the remedy after a semicolon.
    public var description: String {
        guard let remedy else { return explanation }
        return explanation + "; " + remedy
    }
}

/// The kinds of failure that callers tell apart, named as in sysexits(3).
public enum FailureCategory: String, Sendable, CaseIterable {
    /// The call itself was wrong.
    case usage
    /// The input was read and is not what it claims to be.
    case badData = "bad-data"
    /// The input does not exist or cannot be read.
    case noInput = "no-input"
    /// A service or host cannot be reached or used.
    case unavailable
    /// An output file cannot be created.
    case cannotCreate = "cannot-create"
    /// Reading or writing failed on the way.
    case inputOutput = "io"
    /// Trying again later can help.
    case tryLater = "try-later"
    /// Somebody said no: credentials, permissions, a policy.
    case refused
    /// The configuration or identity is not usable.
    case configuration
    /// An invariant of this program did not hold.
    case software
}
