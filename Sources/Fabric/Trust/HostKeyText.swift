internal import FoundationEssentials

/// A host's public key as a line of `known_hosts` has it: its type and the base64 of its blob.
struct HostKeyText {
    /// `type base64`, with one space.
    let text: String
    private let blob: [UInt8]

    /// Reads `type base64`, where the blob must begin with the type that stands before it; nil for anything else.
    init?(_ key: String) {
        let parts = key.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard parts.count >= 2, let data = Data(base64Encoded: String(parts[1])), data.count <= 8192 else { return nil }
        let type = Array(parts[0].utf8)
        let length = UInt32(type.count)
        let head = [UInt8(length >> 24), UInt8(length >> 16 & 0xff), UInt8(length >> 8 & 0xff), UInt8(length & 0xff)]
        guard data.starts(with: head + type), data.count > head.count + type.count else { return nil }
        blob = Array(data)
        text = "\(parts[0]) \(data.base64EncodedString())"
    }

    /// `SHA256:` and the base64 of the blob's digest without padding, as `ssh-keygen -l` prints it.
    var fingerprint: String {
        let text = Data(Digest(of: blob).bytes).base64EncodedString()
        return "SHA256:" + text.prefix { $0 != "=" }
    }
}
