public import Fabric

/// All that came of resolving a target: who was asked, what each said, and what follows. What `tcd resolve` shows.
public struct Resolution: Sendable {
    /// One source, and what it said.
    public struct Source: Sendable, Equatable {
        /// How the sources are called, in the order in which they are asked.
        public enum Name: String, Sendable, CaseIterable {
            case commandLine = "command-line"
            case directory
            case nameService = "ains"
            case convention
        }

        /// What came of asking.
        public enum Outcome: String, Sendable {
            /// It knows the target.
            case answered
            /// It does not know the target.
            case nothing
            /// It could not be asked, or its answer could not be used.
            case failed
            /// It was not asked.
            case notAsked = "not-asked"
        }

        /// Which source.
        public let name: Name
        /// What came of it.
        public let outcome: Outcome
        /// In words, one line.
        public let detail: String
    }

    /// What was asked for.
    public let target: DeliveryTarget
    /// The name as it was understood; nil for a target that is a way itself.
    public internal(set) var name: String?
    /// The sources, in order.
    public internal(set) var sources: [Source] = []
    /// The routes that would be tried, in order.
    public internal(set) var routes: [PlannedRoute] = []
    /// The routes that would not, and why.
    public internal(set) var passedOver: [PassedOverRoute] = []
    /// Who receives there.
    public internal(set) var receiver: RoutePlan.Receiver?
    /// What the receiver says it can do.
    public internal(set) var capabilities: [String] = []
    /// The least trust that was asked for, or the usual one.
    public internal(set) var minimumTrust: Double
    /// Whether the receiver's key is pinned already, is new, or was not given.
    public internal(set) var keyStanding: KeyStanding = .none
    /// What a person should know.
    public internal(set) var notices: [String] = []
    /// The name service's routes lead to other hosts than those that are pinned; nil where they do not.
    public internal(set) var hostChange: RoutePlan.HostChange?
    /// The subject under which the key and the hosts of the name service's record are pinned; nil where there is no record.
    var pinSubject: String?
    /// The places that the record's routes lead to; nil where there is no record.
    var offeredHosts: [String]?
    /// Whether only the change of hosts stops the delivery, which `acceptHosts` lifts.
    public internal(set) var isStoppedByHosts = false
    /// Why nothing is delivered; nil when something would be.
    public internal(set) var failure: CarrierError?

    /// What is known of the receiver's key from before.
    public enum KeyStanding: String, Sendable {
        /// Nobody names a key.
        case none
        /// A file of routes names it.
        case configured
        /// It is the pinned one.
        case pinned
        /// It was seen for the first time.
        case new
        /// Another one is pinned.
        case changed
    }

    init(target: DeliveryTarget, minimumTrust: Double) {
        self.target = target
        self.minimumTrust = minimumTrust
    }

    /// The plan that follows.
    ///
    /// - Throws: `failure`, where there is one.
    public func plan() throws(CarrierError) -> RoutePlan {
        if let failure { throw failure }
        return RoutePlan(
            routes: routes, passedOver: passedOver, receiver: receiver, notices: notices, hostChange: hostChange)
    }

    mutating func note(_ name: Source.Name, _ outcome: Source.Outcome, _ detail: String) {
        sources.append(Source(name: name, outcome: outcome, detail: detail))
    }
}
