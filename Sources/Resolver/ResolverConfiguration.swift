internal import Fabric
public import SystemPackage

/// Where to look names up, and what can be carried.
public struct ResolverConfiguration: Sendable {
    /// The variables that are looked at, as the peers name them, and those of this program.
    public static let variables = [
        "TIBET_AINS_API_URL", "TIBET_AINS_API_TIMEOUT", "TIBET_AINS_SSH_USER", "TIBET_AINS_DEFAULT_INBOX",
        "TIBET_HTTP_PORT", "TIBET_MUX_SERVER", "IPOLL_API_URL", "TIBET_ROUTES", "TIBET_STRICT_ROUTES",
        "XDG_CONFIG_HOME",
        "HOME",
    ]

    /// A file of routes.
    public struct RoutesPlace: Sendable, Equatable {
        /// Where it is.
        public var path: FilePath
        /// Whether somebody named it: then it is an error when it is not there.
        public var isRequired: Bool

        /// A place from its parts.
        public init(_ path: FilePath, isRequired: Bool) {
            self.path = path
            self.isRequired = isRequired
        }
    }

    /// The files of routes, in the order in which they are asked.
    public var routes: [RoutesPlace] = []
    /// The address below which AINS has its names; nil for no AINS. There is no public one to fall back on.
    public var ainsURL: String?
    /// How long a look-up may take, all in all. 3 seconds.
    public var ainsTime: Duration = .seconds(3)
    /// After a failure AINS is left alone for this long by one resolver, so that many names do not wait for it one after
    /// the other. 10 seconds.
    public var ainsRest: Duration = .seconds(10)
    /// The rules for names that nobody knows.
    public var convention = Convention()
    /// Whether a name service whose routes lead to other hosts than those that are pinned stops a delivery, instead of
    /// being told only.
    public var strictRoutes = false
    /// A PEM file of the authorities to trust in place of the system's.
    public var authorities: FilePath?
    /// The least trust that a record must have when none was asked for (`ains.md`, section 6). 0.5.
    public var usualMinimumTrust = 0.5
    /// The directory below which the cache (`ains-cache`) and the pins (`trust`) are.
    public var state: FilePath
    /// What can be carried.
    public var carriers: KnownCarriers
    /// What this program calls itself to AINS.
    public var userAgent = "tibet-fabric"

    /// The defaults: no files, no AINS.
    public init(state: FilePath, carriers: KnownCarriers) {
        self.state = state
        self.carriers = carriers
    }

    /// What the environment says.
    ///
    /// - Parameter environment: The variables in `variables` that are set. An empty one counts as unset.
    public init(environment: [String: String], state: FilePath, carriers: KnownCarriers) {
        self.init(state: state, carriers: carriers)
        let environment = environment.filter { !$0.value.isEmpty }
        ainsURL = environment["TIBET_AINS_API_URL"]
        if let seconds = environment["TIBET_AINS_API_TIMEOUT"].flatMap(Double.init), (0.01...60).contains(seconds) {
            ainsTime = .seconds(seconds)
        }
        if let user = environment["TIBET_AINS_SSH_USER"] { convention.sshUser = user }
        if let inbox = environment["TIBET_AINS_DEFAULT_INBOX"] { convention.inbox = inbox }
        // As the peers do: what is no port counts for nothing.
        if let port = environment["TIBET_HTTP_PORT"].flatMap({ PortNumber.parse($0) }) { convention.httpPort = port }
        convention.muxServer = environment["TIBET_MUX_SERVER"].map(Self.withoutSlash)
        convention.ipollServer = environment["IPOLL_API_URL"].map(Self.withoutSlash)
        strictRoutes = environment["TIBET_STRICT_ROUTES"] == "1"
        routes = Self.places(environment)
    }

    private static func withoutSlash(_ server: String) -> String {
        server.hasSuffix("/") ? String(server.dropLast()) : server
    }

    /// One file that was named, or those of the user and of the host.
    private static func places(_ environment: [String: String]) -> [RoutesPlace] {
        if let named = environment["TIBET_ROUTES"] { return [RoutesPlace(FilePath(named), isRequired: true)] }
        var places: [RoutesPlace] = []
        let home = environment["HOME"].map { FilePath($0) }.flatMap { $0.isAbsolute ? $0 : nil }
        // XDG tells to ignore a relative path.
        let own = environment["XDG_CONFIG_HOME"].map { FilePath($0) }.flatMap { $0.isAbsolute ? $0 : nil }
        if let base = own ?? home?.appending(".config") {
            places.append(RoutesPlace(base.appending("tibet/routes.toml"), isRequired: false))
        }
        places.append(RoutesPlace("/etc/tibet/routes.toml", isRequired: false))
        return places
    }
}

/// What can be carried, as far as whoever resolves must know.
public struct KnownCarriers: Sendable {
    /// The schemes of the carriers that are built in.
    public var builtIn: Set<String>
    /// Why a scheme that is not built in cannot be carried; nil where a plug-in can.
    public var reasonAgainst: @Sendable (_ scheme: String) -> String?

    /// Carriers from their schemes, without plug-ins unless `reasonAgainst` knows some.
    public init(
        builtIn: Set<String>,
        reasonAgainst: @escaping @Sendable (_ scheme: String) -> String? = { "there is no carrier for '\($0)'" }
    ) {
        self.builtIn = builtIn
        self.reasonAgainst = reasonAgainst
    }

    /// Why a scheme cannot be carried; nil where it can.
    func reason(against scheme: String) -> String? { builtIn.contains(scheme) ? nil : reasonAgainst(scheme) }
}
