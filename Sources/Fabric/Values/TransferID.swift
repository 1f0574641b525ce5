/// The transfer-pair id (`tpid`) of an envelope: 16 bytes in UUID form, lower case (`envelope.md`, section 8).
public struct TransferID: Hashable, Sendable, CustomStringConvertible {
    /// `8-4-4-4-12` lower-case hexadecimal digits.
    public let text: String

    public var description: String { text }

    /// A transfer id from its text. Any 32 lower-case hexadecimal digits in 8-4-4-4-12 form are accepted, because
    /// a peer writes ids without version bits; nil for anything else.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [8, 4, 4, 4, 12] else { return nil }
        for part in parts {
            guard Hex.decode(String(decoding: part, as: UTF8.self), count: part.count / 2) != nil else { return nil }
        }
        self.text = text
    }

    /// A fresh UUID version 7: 48 bits of Unix milliseconds, then random bits.
    public static func generate(at time: Timestamp = .now()) -> TransferID {
        var generator = SystemRandomNumberGenerator()
        let milliseconds = UInt64(max(0, time.milliseconds))
        let high = milliseconds << 16 | 0x7000 | (generator.next() & 0x0fff)
        let low = generator.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        return TransferID(high: high, low: low)
    }

    private init(high: UInt64, low: UInt64) {
        // Made for every request of a hub: in one go, without a list of groups.
        text = String(unsafeUninitializedCapacity: 36) { characters in
            var place = 0
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    characters[place] = UInt8(ascii: "-")
                    place += 1
                }
                let word = digit < 16 ? high : low
                let value = UInt8(word >> UInt64(60 - 4 * (digit % 16)) & 0xf)
                characters[place] = value < 10 ? 0x30 + value : 0x57 + value
                place += 1
            }
            return place
        }
    }
}
