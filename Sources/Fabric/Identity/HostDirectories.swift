internal import Glibc
public import SystemPackage

/// Where this host keeps an identity and what `tcd` remembers, by the XDG base directory rules.
///
/// A pure function of the environment and the user, so that it can be tested; `current()` fills both in.
public struct HostDirectories: Sendable, Equatable {
    private let environment: [String: String]
    private let userID: UInt32

    /// The variables that are looked at.
    public static let variables = ["TIBET_IDENTITY", "TIBET_STATE", "XDG_DATA_HOME", "XDG_STATE_HOME", "HOME"]

    /// The directories for a process with this environment and effective user id.
    public init(environment: [String: String], userID: UInt32) {
        self.environment = environment
        self.userID = userID
    }

    /// The directories for this process.
    public static func current() -> HostDirectories {
        var environment: [String: String] = [:]
        for name in variables {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        return HostDirectories(environment: environment, userID: geteuid())
    }

    /// The identity directory: `TIBET_IDENTITY`, else `/var/lib/tibet/identity` for root, else
    /// `${XDG_DATA_HOME:-$HOME/.local/share}/tibet/identity`.
    ///
    /// - Throws: `HomeUnknown` when none of these is set.
    public func identity() throws(HomeUnknown) -> IdentityDirectory {
        if let path = value("TIBET_IDENTITY") { return IdentityDirectory(FilePath(path)) }
        if userID == 0 { return IdentityDirectory("/var/lib/tibet/identity") }
        let base = try base("XDG_DATA_HOME", below: ".local/share", instead: "TIBET_IDENTITY")
        return IdentityDirectory(base.appending("tibet/identity"))
    }

    /// The directory of the outbox and the surface ledger: `TIBET_STATE`, else `/var/lib/tibet` for root, else
    /// `${XDG_STATE_HOME:-$HOME/.local/state}/tibet`.
    ///
    /// - Throws: `HomeUnknown` when none of these is set.
    public func state() throws(HomeUnknown) -> FilePath {
        if let path = value("TIBET_STATE") { return FilePath(path) }
        if userID == 0 { return "/var/lib/tibet" }
        return try base("XDG_STATE_HOME", below: ".local/state", instead: "TIBET_STATE").appending("tibet")
    }

    /// A variable that is set and not empty: XDG takes an empty one for unset.
    private func value(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func base(
        _ variable: String, below folder: String, instead override: String
    ) throws(HomeUnknown) -> FilePath {
        // XDG tells to ignore a relative path.
        if let path = value(variable).map({ FilePath($0) }), path.isAbsolute { return path }
        guard let home = value("HOME").map({ FilePath($0) }), home.isAbsolute else {
            throw HomeUnknown(override: override)
        }
        return home.appending(folder)
    }
}

/// The environment does not tell where this user's files are.
public struct HomeUnknown: ExplainedError, Equatable {
    /// The variable that would settle it.
    public let override: String

    public var category: FailureCategory { .configuration }
    public var explanation: String { "cannot tell where this user's files are: HOME is not set to an absolute path" }
    public var remedy: String? { "set \(override) or HOME" }
}
