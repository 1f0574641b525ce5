internal import Fabric
internal import Resolver

/// What a carrier's receipt says of a delivery, with what was proven of it.
struct ProvenReceipt {
    let receipt: DeliveryReceipt
    let proof: ReceiptProof

    /// - Throws: `TrustError` when the pins cannot be read.
    init(_ receipt: DeliveryReceipt, of entry: OutboxEntry) throws {
        self.receipt = receipt
        let key = try Self.pinnedKey(for: entry.target) ?? entry.receiverKey
        proof = receipt.proof(of: entry.digest, receiver: key)
    }

    /// The key that the operator pinned for the name of the target; nil where none is, or the target is not a name. Then
    /// the one counts that the plan of the delivery carried, which is in the operator's directory or pinned with the record
    /// of the name service.
    ///
    /// - Throws: `TrustError` when the pins cannot be read.
    static func pinnedKey(for target: DeliveryTarget) throws -> PublicKey? {
        guard ClaimedName(parsing: target.text) != nil else { return nil }
        let store = TrustStore(state: try HostDirectories.current().state())
        return try store.pin(.signer, target.text).flatMap { PublicKey(hex: $0.key) }
    }

    /// `stored, proven`, `stored (unproven)`, or the strength alone where it claims no more than `accepted`, or where this
    /// program did the storing.
    var text: String {
        let strength = receipt.strength.description
        guard receipt.strength >= .stored, receipt.route.scheme != "local" else { return strength }
        return proof.isProven ? strength + ", proven" : strength + " (unproven)"
    }

    /// The documented keys where there is no receipt.
    static let noFields: [(String, JSONLine.Value)] = [("proof", .null), ("receipt_signer", .null)]

    /// The documented keys (`docs/scripting.md`).
    var fields: [(String, JSONLine.Value)] {
        [("proof", .text(proof.word)), ("receipt_signer", .init(receipt.signed?.signer.hex))]
    }
}
