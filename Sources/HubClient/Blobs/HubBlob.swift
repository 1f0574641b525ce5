internal import Fabric

/// Bytes that a hub holds, or is to hold, for a frame or a message, under a name of its own.
package struct HubBlob: Sendable, Equatable {
    /// What the hub calls it: `blob-` and 32 hexadecimal digits.
    package let id: String
    /// The number of leading bytes that the hub holds durably.
    package let received: Int64
    /// The number of all its bytes.
    package let size: Int64
    /// Whether the hub holds all of it, and has checked its digest.
    package let isComplete: Bool
    /// The largest piece that the hub takes at once, in bytes.
    package let largestPiece: Int

    /// The largest piece that is sent, whatever the hub would take: each is in memory as a whole.
    package static let usualPiece = 1 << 20

    /// Reads what a hub says of a blob; nil for what cannot be.
    init?(_ json: JSONValue, size: Int64) {
        guard let id = json["blob_id"]?.text, Self.isID(id), let received = json["received"]?.integer,
            (0...size).contains(received), let isComplete = json["complete"]?.bool, !isComplete || received == size,
            json["size_bytes"].map({ $0.integer == size }) ?? true
        else { return nil }
        self.id = id
        self.received = received
        self.size = size
        self.isComplete = isComplete
        let piece = json["chunk_bytes"]?.integer ?? Int64(Self.usualPiece)
        largestPiece = Int(max(1, min(piece, Int64(Self.usualPiece))))
    }

    /// Whether `text` can be a blob's id, and with it a segment of a path.
    package static func isID(_ text: String) -> Bool {
        text.hasPrefix("blob-") && Hex.decode(String(text.dropFirst(5)), count: 16) != nil
    }
}
