public import Fabric

/// What a name service says of a name (`ains.md`, section 3), as far as it could be made sense of.
public struct AINSRecord: Sendable, Equatable {
    /// What the status of a record means for deliveries.
    public enum Standing: Sendable, Equatable {
        /// Deliveries are welcome. Also for a status that nobody knows.
        case usable
        /// Nothing is to be delivered any more.
        case revoked
        /// Nothing is to be delivered for now.
        case suspended
    }

    /// The full name, `bob.aint`; nil where the record has none that can be one.
    public var domain: String?
    /// The agent's short name; nil where the record has none that can be one.
    public var agent: String?
    /// The status as it is written, on one line.
    public var status: String
    /// The key; nil where the record has none, or none that is a key.
    public var key: PublicKey?
    /// The score, 0 to 1; nil where the record has none that is such a number.
    public var trust: Double?
    /// What the agent says it can do, self-declared, on one line each.
    public var capabilities: [String]
    /// The ways that the record names, in the order: `routes`, endpoint, I-Poll address.
    public var routes: [Route]
    /// What the record says and nobody can use, one line each.
    public var oddities: [String]

    /// What the status means.
    public var standing: Standing {
        switch status.lowercased() {
        case "revoked": .revoked
        case "suspended": .suspended
        default: .usable
        }
    }
}
