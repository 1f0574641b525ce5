internal import FoundationEssentials
internal import GRDB
public import SystemPackage

/// What came of an acknowledgement.
public struct AcknowledgedDelivery: Sendable {
    /// The delivery that it confirms, as it stands now.
    public let entry: OutboxEntry
    /// The acknowledgement.
    public let acknowledgement: Acknowledgement
    /// How surely it is about this delivery's envelope.
    public let binding: AcknowledgementBinding
}

extension Outbox {
    /// Takes in the sealed acknowledgement in the file at `path`: checks it, keeps it as a receipt, and counts the
    /// deliveries that it confirms as done.
    ///
    /// The key that must have signed it is the one given, or the one that the delivery's plan knew. One that was taken
    /// in before is taken in again without harm.
    ///
    /// - Parameter key: The receiver's key, where the caller knows it.
    /// - Throws: `acknowledgement` or `envelope` when it confirms nothing in this outbox.
    public func recordAcknowledgement(
        _ path: FilePath, key: PublicKey? = nil
    ) throws(OutboxError) -> [AcknowledgedDelivery] {
        let bytes = try Acknowledgement.bytes(of: path)
        let acknowledgement = try Acknowledgement(sealed: bytes)
        let found = try candidates(for: acknowledgement)
        guard !found.isEmpty else { throw .acknowledgement(.unknownReference(acknowledgement.reference)) }
        if found.contains(where: { $0.binding == .name }), Set(found.map(\.entry.digest)).count > 1 {
            throw .acknowledgement(.ambiguousReference(acknowledgement.reference))
        }
        // One envelope can have gone to several receivers: it is the one whose key signed that has confirmed.
        var confirmed: [(entry: OutboxEntry, binding: AcknowledgementBinding)] = []
        var problem: AcknowledgementFault?
        for candidate in found {
            guard let expected = key ?? candidate.entry.receiverKey else {
                problem = problem ?? .unknownKey(found: acknowledgement.signer)
                continue
            }
            guard expected == acknowledgement.signer else {
                problem = problem ?? .otherSigner(found: acknowledgement.signer, expected: expected)
                continue
            }
            confirmed.append(candidate)
        }
        if confirmed.isEmpty, let problem { throw .acknowledgement(problem) }
        var result: [AcknowledgedDelivery] = []
        for (entry, binding) in confirmed {
            let entry = try record(bytes, signedBy: acknowledgement.signer, for: entry.id)
            result.append(
                AcknowledgedDelivery(entry: entry, acknowledgement: acknowledgement, binding: binding))
        }
        return result
    }

    /// The deliveries that an acknowledgement can be about.
    private func candidates(
        for acknowledgement: Acknowledgement
    ) throws(OutboxError) -> [(entry: OutboxEntry, binding: AcknowledgementBinding)] {
        let reference = acknowledgement.reference
        let entries = try index.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT \(IndexRows.entryColumns)
                    WHERE envelope.digest IN (?, ?) OR envelope.transfer_id IN (?, ?) OR envelope.name = ?
                    ORDER BY delivery.number LIMIT 1000
                    """,
                arguments: [
                    acknowledgement.referencedDigest?.hex, reference.replacingPrefix("sha256:"),
                    acknowledgement.referencedTransfer?.text, reference, reference,
                ]
            ).map(IndexRows.entry)
        }
        var found: [(entry: OutboxEntry, binding: AcknowledgementBinding)] = []
        for entry in entries {
            let envelope = AcknowledgedEnvelope(
                transferID: entry.transferID, digest: entry.digest, names: [entry.name.text])
            do throws(AcknowledgementFault) {
                if let binding = try envelope.binding(of: acknowledgement) { found.append((entry, binding)) }
            } catch {
                throw .acknowledgement(error)
            }
        }
        return found
    }

    private func record(_ bytes: [UInt8], signedBy key: PublicKey, for id: OutboxID) throws(OutboxError) -> OutboxEntry
    {
        let entry = try index.write { database in
            let number = try number(id, in: database)
            let isKnown = try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM receipt WHERE delivery = ? AND acknowledgement = ?)",
                arguments: [number, Data(bytes)])
            if isKnown != true {
                try database.execute(
                    sql: "INSERT INTO receipt (delivery, date, acknowledgement) VALUES (?, ?, ?)",
                    arguments: [number, now, Data(bytes)])
            }
            try database.execute(
                sql: "UPDATE delivery SET receiver_key = ? WHERE number = ?", arguments: [key.hex, number])
            // One that is under way ends by itself, with its own receipt.
            let before = try self.entry(id, in: database)
            if before.state != .sending, before.state != .delivered {
                try set(number, .delivered, reason: nil, in: database)
            }
            return try self.entry(id, in: database)
        }
        if entry.state == .delivered { try removeIfUnneeded(entry.digest) }
        bell.ring()
        return entry
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String) -> String {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
    }
}
