/// What a far side confirmed, as the outbox keeps it after the envelope has gone.
public struct StoredReceipt: Sendable, Equatable {
    /// Where a receipt comes from.
    public enum Source: Sendable, Equatable {
        /// A carrier reported it.
        case carrier(DeliveryReceipt)
        /// The receiver sealed it: the acknowledgement, and the bytes of its envelope.
        case acknowledgement(Acknowledgement, envelope: [UInt8])
    }

    /// When it came.
    public let date: Timestamp
    /// What it is.
    public let source: Source

    /// How strong it is: the name of a receipt's strength, or `acknowledged`.
    public var strengthName: String {
        switch source {
        case .carrier(let receipt): receipt.strength.description
        case .acknowledgement: WantedReceipt.acknowledged.description
        }
    }
}
