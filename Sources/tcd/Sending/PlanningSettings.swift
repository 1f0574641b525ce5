internal import Fabric
internal import FoundationEssentials
internal import Resolver

/// What decides about the routes of a delivery beside its options: the environment of the command that ordered it, and the
/// mailboxes that its command line named. It is kept with the delivery, so that a later attempt plans as the first did,
/// whatever environment it runs in.
struct PlanningSettings: Sendable {
    /// The variables that routes depend on, as they were set.
    var environment: [String: String]
    /// The transports, of `mux` and `ipoll`, whose mailbox or server the command line named.
    var namedMailboxes: Set<String>

    /// Where the files of one user are is the same for all of that user's commands, and is not kept.
    private static let places: Set<String> = ["HOME", "XDG_CONFIG_HOME"]
    private static let variables = ResolverConfiguration.variables.filter { !places.contains($0) }

    /// The settings of this process.
    static func current(naming mailboxes: Set<String>) -> PlanningSettings {
        var environment: [String: String] = [:]
        for name in variables {
            guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else { continue }
            environment[name] = name == "TIBET_ROUTES" ? DispatchOptions.fromRoot(value) : value
        }
        return PlanningSettings(environment: environment, namedMailboxes: mailboxes)
    }

    private init(environment: [String: String], namedMailboxes: Set<String>) {
        self.environment = environment
        self.namedMailboxes = namedMailboxes
    }

    /// The settings that were kept with a delivery; none of this process take the place of those that are missing.
    init(kept options: [String: [String]]) {
        let pairs = (options[Self.environmentKey] ?? []).compactMap { entry -> (String, String)? in
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return parts.count == 2 && Self.variables.contains(parts[0]) ? (parts[0], parts[1]) : nil
        }
        environment = Dictionary(pairs) { $1 }
        namedMailboxes = Set(options[Self.mailboxesKey] ?? [])
    }

    /// What is kept of them, beside the options.
    var kept: [String: [String]] {
        var kept: [String: [String]] = [:]
        if !environment.isEmpty { kept[Self.environmentKey] = environment.map { "\($0)=\($1)" }.sorted() }
        if !namedMailboxes.isEmpty { kept[Self.mailboxesKey] = namedMailboxes.sorted() }
        return kept
    }

    /// The keys of what is kept that are not names of options.
    static let keys: Set<String> = [environmentKey, mailboxesKey, DeliveryTarget.conventionKey]

    private static let environmentKey = "environment"
    private static let mailboxesKey = "named-mailboxes"

    /// The environment that a resolver is made with.
    var resolverEnvironment: [String: String] {
        ProcessInfo.processInfo.environment.filter { Self.places.contains($0.key) }
            .merging(environment) { $1 }
    }
}
