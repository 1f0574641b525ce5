/// Something that a receiver should know beside what it received.
public enum MuxNotice: Sendable, Equatable, CustomStringConvertible {
    /// A frame cannot be an envelope. It was passed over and will not be looked at again.
    case frameRejected(channel: String, seq: Int64, sender: String?, reason: String)
    /// Frames came faster than they were fetched, and the server shows them no more (`mux.md`, section 2).
    case framesLost(channel: String, sender: String?, first: Int64, count: Int64)

    public var description: String {
        switch self {
        case .frameRejected(let channel, let seq, let sender, let reason):
            "frame \(seq) of \(channel) from \(sender ?? "nobody") was passed over: \(reason)"
        case .framesLost(let channel, let sender, let first, let count):
            "\(count) frames of \(channel) from \(sender ?? "nobody"), from \(first) on, are lost: "
                + "the server shows only the last ten"
        }
    }
}
