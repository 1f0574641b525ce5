internal import FoundationEssentials

extension PublicKey {
    /// A key in any of the spellings that registries and identity files use (`ains.md`, section 5): 64 hexadecimal
    /// digits in either case, or strict base64 of 32 bytes, each with or without `ed25519:` before it, and with white
    /// space around it. Nil for anything else. Two keys are compared by their bytes, never by their spelling.
    public init?(anySpelling text: String) {
        var rest = text.utf8.drop(while: Self.isSpace)
        while let last = rest.last, Self.isSpace(last) { rest.removeLast() }
        let prefix = "ed25519:".utf8
        if rest.starts(with: prefix) { rest = rest.dropFirst(prefix.count) }
        guard rest.count <= 64 else { return nil }
        let spelled = String(decoding: rest, as: UTF8.self)
        if let key = PublicKey(hex: spelled.lowercased()) {
            self = key
            return
        }
        // Decoding is lenient about the bits after the end; only what encodes back to itself is strict.
        guard let data = Data(base64Encoded: spelled), data.base64EncodedString() == spelled else { return nil }
        self.init(bytes: data)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
}
