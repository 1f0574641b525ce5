public import Fabric

/// Why a text is no name, or no target at all.
public struct NameError: ExplainedError, Equatable {
    /// What is wrong, for programs.
    public enum Fault: Sendable, Equatable {
        /// It does not begin with `jis:`.
        case noDID
        /// There is no `@` and nothing after it.
        case noHost
        /// Nothing stands after the `@`.
        case emptyHost
        /// Organisation or service are missing or hold other characters.
        case badPart
        /// What stands after the `@` is neither a DNS name, an address nor an `.aint` name.
        case badHost
        /// The port is none.
        case badPort
        /// It is no target that anything could be delivered to.
        case noTarget
    }

    /// What is wrong.
    public let fault: Fault
    public let explanation: String
    public let remedy: String?

    init(_ fault: Fault, _ explanation: String, remedy: String?) {
        self.fault = fault
        self.explanation = explanation
        self.remedy = remedy
    }

    public var category: FailureCategory { .usage }
}
