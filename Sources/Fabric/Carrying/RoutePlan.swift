/// Where somebody wants an envelope to go, as it was asked for. Kept with the envelope, so that whoever tries again asks
/// for the same.
public struct DeliveryTarget: Hashable, Sendable, Codable {
    /// What was written: a name (`jis:org:service@host`), a URL, `[user@]host:path`, a directory.
    public var text: String
    /// The transport that was insisted on; nil for whichever works.
    public var transport: String?
    /// The trust that the receiver's record must have, from 0 to 1; nil when none was asked for.
    public var minimumTrust: Double?
    /// Whether a name may be looked up.
    public var usesLookup: Bool
    /// How it is to be gone about, in the words of the program that was asked: its options and their values. Never
    /// anything secret.
    public var options: [String: [String]]

    /// A target from its parts.
    public init(
        _ text: String, transport: String? = nil, minimumTrust: Double? = nil, usesLookup: Bool = true,
        options: [String: [String]] = [:]
    ) {
        self.text = text
        self.transport = transport
        self.minimumTrust = minimumTrust
        self.usesLookup = usesLookup
        self.options = options
    }

    /// Whether routes may be derived from the host in a name. Kept among the options, so that it holds for every attempt.
    /// False for a name that came with an envelope: such a name is not an address to connect to.
    public var usesConvention: Bool {
        get { options[Self.conventionKey] == nil }
        set { options[Self.conventionKey] = newValue ? nil : ["yes"] }
    }

    /// The key of the options that `usesConvention` is kept under.
    public static let conventionKey = "no-convention"
}

/// Finds the ways to a target.
public protocol RoutePlanner: Sendable {
    /// The routes to `target`, the preferred one first, and what is known of who receives there.
    ///
    /// - Throws: Why there is no way at all. The error's action says whether asking again later can help.
    func plan(for target: DeliveryTarget) async throws(CarrierError) -> RoutePlan
}

/// The ways to one target.
public struct RoutePlan: Sendable, Equatable {
    /// The routes to try, the preferred one first. Not empty.
    public var routes: [PlannedRoute]
    /// Routes that are known and will not be tried, with the reason.
    public var passedOver: [PassedOverRoute]
    /// Who receives at the target, where somebody vouches for it.
    public var receiver: Receiver?
    /// What the operator should know, one line each: an old record was used, a lookup failed.
    public var notices: [String]
    /// The name service's routes lead to other hosts than those that are pinned; nil where they do not.
    public var hostChange: HostChange?

    /// A plan from its parts.
    public init(
        routes: [PlannedRoute], passedOver: [PassedOverRoute] = [], receiver: Receiver? = nil, notices: [String] = [],
        hostChange: HostChange? = nil
    ) {
        self.routes = routes
        self.passedOver = passedOver
        self.receiver = receiver
        self.notices = notices
        self.hostChange = hostChange
    }

    /// A name service whose routes lead to other hosts than before, for a key that is pinned.
    public struct HostChange: Sendable, Equatable {
        /// The subject of the pin.
        public var subject: String
        /// The pinned places (`Route.place`), sorted.
        public var pinned: [String]
        /// The places that the record leads to now, sorted.
        public var offered: [String]

        /// A change from its parts.
        public init(subject: String, pinned: [String], offered: [String]) {
            self.subject = subject
            self.pinned = pinned
            self.offered = offered
        }
    }

    /// Who receives at a target.
    public struct Receiver: Sendable, Equatable {
        /// The receiver's name.
        public var name: String
        /// The key that the receiver signs with; nil where the record has none.
        public var key: PublicKey?
        /// How far the record is trusted, from 0 to 1; nil where nobody says.
        public var trust: Double?
        /// Who says all this.
        public var origin: RouteOrigin

        /// A receiver from its parts.
        public init(name: String, key: PublicKey?, trust: Double?, origin: RouteOrigin) {
            self.name = name
            self.key = key
            self.trust = trust
            self.origin = origin
        }
    }
}

/// A route, and who named it.
public struct PlannedRoute: Sendable, Hashable {
    /// The route.
    public var route: Route
    /// Who named it.
    public var origin: RouteOrigin

    /// A planned route from its parts.
    public init(_ route: Route, origin: RouteOrigin) {
        self.route = route
        self.origin = origin
    }
}

/// A route that will not be tried, and why.
public struct PassedOverRoute: Sendable, Hashable {
    /// The route.
    public var planned: PlannedRoute
    /// Why it will not be tried, lower case, without a full stop.
    public var reason: String

    /// A passed-over route from its parts.
    public init(_ planned: PlannedRoute, because reason: String) {
        self.planned = planned
        self.reason = reason
    }
}

/// Who named a route.
public enum RouteOrigin: Sendable, Hashable, CustomStringConvertible {
    /// The person who sends.
    case commandLine
    /// A static directory: the file, and the entry in it.
    case directory(file: String, entry: String)
    /// A name service: its address, and the age of the record in seconds if it was not asked just now.
    case nameService(address: String, age: Int64?)
    /// A key that was pinned, and where it had come from. Names no route, only a receiver.
    case pin(since: Timestamp, source: String)
    /// The rules that hold where nobody says otherwise (`ains.md`, section 2).
    case convention

    public var description: String {
        switch self {
        case .commandLine: "command line"
        case .directory(let file, let entry): "\(file) (\(entry))"
        case .nameService(let address, nil): "AINS at \(address)"
        case .nameService(let address, let age?): "AINS at \(address), record \(age) s old"
        case .pin(let since, let source): "the key pinned \(since.iso8601), from \(source)"
        case .convention: "convention"
        }
    }
}
