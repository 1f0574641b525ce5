internal import FoundationEssentials
internal import GRDB

/// How rows of the index become values, and values rows.
enum IndexRows {
    /// What `entry(_:)` reads.
    static let entryColumns = entryColumns(by: nil)

    /// The same, found by an index that SQLite would not choose by itself: it takes every state for a rare one.
    static func entryColumns(by index: String?) -> String {
        """
        delivery.*, envelope.transfer_id, envelope.name, envelope.size
        FROM delivery\(index.map { " INDEXED BY \($0)" } ?? "") JOIN envelope ON envelope.digest = delivery.digest
        """
    }

    /// A delivery from a row with the columns of `entryColumns`.
    static func entry(_ row: Row) throws -> OutboxEntry {
        let id: String = row["id"]
        guard let transferID = TransferID(row["transfer_id"]), let digest = Digest(hex: row["digest"]),
            let name = ArrivalName(row["name"]), let wanted = WantedReceipt(rawValue: row["wanted"]),
            let state = DeliveryState(rawValue: row["state"])
        else { throw OutboxError.index(code: 11, message: "the row of '\(id)' makes no sense") }
        let due: Int64? = row["due"]
        return OutboxEntry(
            id: OutboxID(id), transferID: transferID, digest: digest, name: name, size: row["size"],
            target: DeliveryTarget(
                row["target"], transport: row["transport"], minimumTrust: row["minimum_trust"],
                usesLookup: row["uses_lookup"], options: try options(row["options"])),
            wanted: wanted, state: state, reason: row["reason"], since: Timestamp(milliseconds: row["since"]),
            created: Timestamp(milliseconds: row["created"]), attempts: row["attempts"],
            nextAttempt: state == .queued ? due.map { Timestamp(milliseconds: $0) } : nil,
            expiry: (row["expiry"] as Int64?).map { Timestamp(milliseconds: $0) },
            reached: (row["reached"] as Int?).flatMap { ReceiptStrength(rawValue: $0) },
            receiverKey: (row["receiver_key"] as String?).flatMap { PublicKey(hex: $0) })
    }

    /// What the index holds of a target's options.
    static func text(ofOptions options: [String: [String]]) throws -> String? {
        guard !options.isEmpty else { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(options), as: UTF8.self)
    }

    private static func options(_ text: String?) throws -> [String: [String]] {
        guard let text else { return [:] }
        guard let options = try? JSONDecoder().decode([String: [String]].self, from: Data(text.utf8)) else {
            throw OutboxError.index(code: 11, message: "the options of a delivery make no sense")
        }
        return options
    }

    static func attempt(_ row: Row) -> AttemptRecord {
        let name: String? = row["outcome"]
        let outcome: AttemptRecord.Outcome? =
            switch name {
            case nil: nil
            case "delivered"?:
                .delivered((row["strength"] as Int?).flatMap { ReceiptStrength(rawValue: $0) } ?? .accepted)
            case "interrupted"?: .interrupted
            case let kind?: .failed(kind: kind, action: row["action"] ?? "")
            }
        return AttemptRecord(
            route: route(row), origin: row["origin"], started: Timestamp(milliseconds: row["started"]),
            ended: (row["ended"] as Int64?).map { Timestamp(milliseconds: $0) }, outcome: outcome,
            explanation: row["explanation"])
    }

    static func standing(_ row: Row) -> RouteStanding {
        RouteStanding(
            route: route(row), failures: row["failures"],
            notBefore: (row["not_before"] as Int64?).map { Timestamp(milliseconds: $0) },
            isRuledOut: row["ruled_out"], reason: row["reason"])
    }

    static func receipt(_ row: Row) throws -> StoredReceipt {
        let date = Timestamp(milliseconds: row["date"])
        if let blob: Data = row["acknowledgement"] {
            let bytes = Array(blob)
            return StoredReceipt(
                date: date, source: .acknowledgement(try Acknowledgement(sealed: bytes), envelope: bytes))
        }
        let receipt = DeliveryReceipt(
            strength: (row["strength"] as Int?).flatMap { ReceiptStrength(rawValue: $0) } ?? .accepted,
            route: route(row), storedName: row["stored_name"],
            farDigest: (row["far_digest"] as String?).flatMap { Digest(hex: $0) },
            wasDuplicate: row["was_duplicate"] ?? false, resumedFrom: row["resumed_from"] ?? 0,
            signed: (row["signed"] as String?).flatMap { SignedReceipt(parsing: $0) })
        return StoredReceipt(date: date, source: .carrier(receipt))
    }

    static func health(_ row: Row) -> HostHealth {
        HostHealth(
            failures: row["failures"], lastFailure: row["last_failure"], openUntil: row["open_until"],
            latency: row["latency"])
    }

    private static func route(_ row: Row) -> Route { Route(scheme: row["scheme"], address: row["address"]) }
}

extension Timestamp {
    /// The instant so many milliseconds after 1970-01-01T00:00:00Z.
    init(milliseconds: Int64) {
        let seconds = milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000
        self.init(seconds: seconds, nanoseconds: Int32(milliseconds - seconds * 1000) * 1_000_000)
    }
}

extension Duration {
    /// The time in whole milliseconds.
    var milliseconds: Int64 {
        components.seconds.multipliedClamping(by: 1000)
            .addingClamping(components.attoseconds / 1_000_000_000_000_000)
    }
}
