internal import Fabric

/// What a request's target names (`http-inbox.md`, section 1). Paths are exact: a query makes another path.
enum RequestTarget: Equatable {
    /// `/` and `/health`.
    case health
    /// `/inbox/<name>`; nil when the name breaks a rule of section 6, row 7.
    case inbox(ArrivalName?)
    /// `/inbox/.uploads/<id>`.
    case upload(id: String)
    /// Anything else.
    case unknown

    /// Reads the target as it came over the wire.
    init(_ path: String) {
        let uploads = "/inbox/" + UploadID.directory + "/"
        let inbox = "/inbox/"
        if path == "/" || path == "/health" {
            self = .health
        } else if path.utf8.starts(with: uploads.utf8), Digest(hex: String(path.dropFirst(uploads.count))) != nil {
            self = .upload(id: String(path.dropFirst(uploads.count)))
        } else if path.utf8.starts(with: inbox.utf8) {
            self = .inbox(Self.decoded(path.utf8.dropFirst(inbox.utf8.count)).flatMap { ArrivalName($0) })
        } else {
            self = .unknown
        }
    }

    /// The text with each `%xx` turned into its byte, once; nil for an escape that is none.
    private static func decoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self).lowercased()
            guard let decoded = Hex.decode(digits, count: 1) else { return nil }
            bytes += decoded
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
