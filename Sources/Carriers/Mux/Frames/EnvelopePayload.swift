internal import Fabric
internal import FoundationEssentials
internal import HubClient

/// The payload of a frame that carries an envelope (`mux.md`, section 5), and how long it is.
enum EnvelopePayload {
    /// The number of characters of the peers' payload for an envelope, as their server counts them: 46 for keys and
    /// punctuation, the name, the digits of the size, and four for each three bytes.
    static func length(name: ArrivalName, size: Int64) -> Int64 {
        46 + Int64(name.text.utf8.count) + Int64(String(size).utf8.count) + encodedLength(size)
    }

    /// The largest envelope of that name whose payload has at most `limit` characters; 0 for none.
    static func largestEnvelope(name: ArrivalName, within limit: Int64) -> Int64 {
        // The digits of the size depend on the size: what fits with the most of them, and then with fewer.
        var best: Int64 = 0
        for digits in 1...18 {
            let room = limit - 46 - Int64(name.text.utf8.count) - Int64(digits)
            guard room >= 4 else { break }
            let size = min(room / 4 * 3, largest(ofDigits: digits))
            if String(size).utf8.count == digits { best = max(best, size) }
        }
        return best
    }

    private static func largest(ofDigits digits: Int) -> Int64 {
        Int64(String(repeating: "9", count: digits)) ?? .max
    }

    /// The number of characters of `count` bytes in base64 with padding.
    static func encodedLength(_ count: Int64) -> Int64 { (count + 2) / 3 * 4 }

    /// What a hub needs beside the payload in a request: channel id, keys, digest.
    private static let requestOverhead: Int64 = 512
    /// The largest frame that a hub takes in one piece unless it says otherwise.
    private static let usualLargest: Int64 = 1 << 20

    /// Whether the envelope fits into one frame of a hub. What does not goes beside it.
    static func fits(_ envelope: SealedEnvelope, _ features: HubFeatures) -> Bool {
        // In memory as a whole, so never more than a piece of a blob would be.
        envelope.size <= Int64(HubBlob.usualPiece)
            && length(name: envelope.name, size: envelope.size) + requestOverhead
                <= features.largestMessage ?? usualLargest
    }

    /// The peers' payload, with the digest, which they ignore.
    static func inline(_ envelope: SealedEnvelope, _ bytes: [UInt8]) -> JSONValue {
        [
            "bundle_b64": .text(Data(bytes).base64EncodedString()), "name": .text(envelope.name.text),
            "size_bytes": .integer(envelope.size), "digest": .text(envelope.digest.description),
        ]
    }

    /// The payload that names a blob at our hub.
    static func reference(_ envelope: SealedEnvelope, _ blob: HubBlob) -> JSONValue {
        [
            "blob_id": .text(blob.id), "name": .text(envelope.name.text), "size_bytes": .integer(envelope.size),
            "digest": .text(envelope.digest.description),
        ]
    }
}
