internal import Glibc
public import SystemPackage

/// A system call that failed, with what it was for.
public struct SystemFailure: ExplainedError {
    /// What was being done and to which file, for example `cannot open 'a.tza'`.
    public let action: String
    /// The reason that the system gave.
    public let errno: Errno

    /// A failure from what was attempted and the system's reason.
    public init(_ action: String, _ errno: Errno) {
        self.action = action
        self.errno = errno
    }

    /// A failure with the reason that is in `errno` now.
    static func current(_ action: String) -> SystemFailure {
        SystemFailure(action, Errno(rawValue: Glibc.errno))
    }

    public var category: FailureCategory {
        switch errno {
        case .noSuchFileOrDirectory, .notDirectory, .isDirectory: .noInput
        case .permissionDenied, .notPermitted: .refused
        default: .inputOutput
        }
    }

    public var explanation: String { "\(action): \(errno)" }

    public var remedy: String? {
        switch errno {
        case .noSpace: "free some space and try again"
        case .permissionDenied: "check the permissions"
        default: nil
        }
    }
}
