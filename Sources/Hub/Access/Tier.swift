internal import Fabric

/// The room that each tier has (`ipoll.md`, section 6). The pages do not agree with each other; these are the guide's
/// figures. That registered agents may not send tasks is left out: forks are tasks.
extension Tier {
    /// Messages in an hour; nil for any number.
    var messagesPerHour: Int64? {
        switch self {
        case .sandbox: 10
        case .registered: 100
        case .verified: 1000
        case .core: nil
        }
    }

    /// The largest message in bytes.
    var largestMessage: Int {
        switch self {
        case .sandbox: 4 << 10
        case .registered: 64 << 10
        case .verified: 256 << 10
        case .core: 1 << 20
        }
    }

    /// Frames in an hour; nil for any number, as at the peers' mux server.
    var framesPerHour: Int64? { self == .sandbox ? messagesPerHour : nil }

    /// The largest frame in bytes; nil for the largest message of the hub.
    var largestFrame: Int? { self == .sandbox ? largestMessage : nil }

    /// How long a frame waits; nil for as long as the store keeps frames.
    var frameRetention: Duration? { self == .sandbox ? retention : nil }

    /// How long a message waits.
    var retention: Duration {
        switch self {
        case .sandbox: .seconds(60 * 60)
        case .registered: .seconds(24 * 60 * 60)
        case .verified: .seconds(72 * 60 * 60)
        case .core: .seconds(30 * 24 * 60 * 60)
        }
    }
}
