/// The name of an agent at a hub (`mux.md`, section 1; `ains.md`, section 1): lower case, without `.aint`.
package struct HubAgent: Hashable, Sendable, CustomStringConvertible {
    /// The name: labels of `[a-z0-9_-]` with single dots between them, 1 to 253 bytes.
    package let name: String

    package var description: String { name }

    /// Reads a name as people write it: outer white space goes, letters become small, one `.aint` at the end goes.
    /// Nil for what is no name then.
    package init?(_ text: String) {
        var bytes = Array(text.utf8)
        while let last = bytes.last, Self.isSpace(last) { bytes.removeLast() }
        bytes = bytes.drop(while: Self.isSpace).map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        if bytes.count > 5, bytes.suffix(5) == ArraySlice(".aint".utf8) { bytes.removeLast(5) }
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...253).contains(bytes.count), labels.allSatisfy({ !$0.isEmpty && $0.allSatisfy(Self.isAllowed) })
        else { return nil }
        name = String(decoding: bytes, as: UTF8.self)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
    }
}
