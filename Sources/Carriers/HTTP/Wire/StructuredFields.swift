internal import Fabric
internal import FoundationEssentials

/// The two kinds of structured field values (RFC 9651) that are used here, in their one canonical spelling.
enum StructuredFields {
    /// `sha-256=:base64:`, the form of `Repr-Digest` (RFC 9530).
    static func text(of digest: Digest) -> String {
        "sha-256=:" + Data(digest.bytes).base64EncodedString() + ":"
    }

    /// The SHA-256 in a digest field, which may hold other algorithms too; nil when there is none that can be read.
    static func digest(in text: String) -> Digest? {
        for member in text.split(separator: ",") {
            let member = member.drop { $0 == " " || $0 == "\t" }
            let trimmed = member.prefix { $0 != " " && $0 != "\t" && $0 != ";" }
            guard trimmed.hasPrefix("sha-256=:"), trimmed.hasSuffix(":") else { continue }
            guard let bytes = Data(base64Encoded: String(trimmed.dropFirst(9).dropLast())) else { return nil }
            return Digest(bytes: bytes)
        }
        return nil
    }

    /// `?1` or `?0`.
    static func text(of flag: Bool) -> String { flag ? "?1" : "?0" }

    /// A count of bytes: 1 to 18 decimal digits and nothing else; nil otherwise.
    static func count(in text: String) -> Int64? {
        guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }
}
