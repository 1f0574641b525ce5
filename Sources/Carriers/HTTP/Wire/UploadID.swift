internal import Fabric

/// Whose an upload is.
enum UploadOwner: Equatable {
    /// The key that signed the announcement.
    case key(PublicKey)
    /// Where nothing was signed: a text that only the sender knows, or that the receiver picked at random.
    case token(String)

    /// The key; nil for uploads that were not signed.
    var key: PublicKey? {
        if case .key(let key) = self { key } else { nil }
    }

    /// A token in the form that is accepted: 64 lower-case hexadecimal digits.
    static func token(parsing text: String?) -> UploadOwner? {
        text.flatMap { Digest(hex: $0) }.map { .token($0.hex) }
    }

    /// A token that nothing was derived from.
    static func randomToken() -> UploadOwner {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<Digest.byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return .token(Hex.encode(bytes))
    }
}

/// The name of one resumable upload: 64 hexadecimal digits that sender and receiver compute alike, so that both find
/// the upload again after either was restarted. Those of unsigned uploads can be computed by their sender only.
enum UploadID {
    /// The directory below `/inbox/` where uploads live. No envelope can have this name, as it begins with a dot.
    static let directory = ".uploads"

    /// The id of the upload of `size` bytes with `digest` under `name` by `owner`.
    static func derive(name: ArrivalName, digest: Digest, size: Int64, owner: UploadOwner) -> String {
        let by =
            switch owner {
            case .key(let key): "key:" + key.hex
            case .token(let token): "token:" + token
            }
        let parts = ["tibet-upload-2", digest.hex, String(size), by, name.text]
        return Digest(of: parts.joined(separator: "\n").utf8).hex
    }

    /// The token of an unsigned upload to the inbox at `base`, by a sender that keeps `secret`.
    static func token(_ secret: Digest, base: String, digest: Digest) -> UploadOwner {
        .token(Digest(of: secret.bytes + Array("\ntibet-upload-token-1\n\(digest.hex)\n\(base)".utf8)).hex)
    }

    /// The id at the end of a `Location`; nil unless it names an upload. Host and path before it are not followed:
    /// bytes go only to the server that the route names.
    static func parse(location: String) -> String? {
        let parts = location.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[parts.count - 2] == directory, let last = parts.last,
            Digest(hex: String(last)) != nil
        else { return nil }
        return String(last)
    }
}
